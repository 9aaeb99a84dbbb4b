import { type Batch, type Client, connect, type Port } from '@nicshare/client';
import type { ExecutionContext } from 'ava';
import { type FakeHost, PORTS, type QueueName } from './fake-dispatcher.js';
import { intactSequence, numberedPacket } from './packets.js';
import { until } from './until.js';

const BURST = 16;

/** An honest client beside the trouble: every packet for it must come, whole and in order. */
export class Bystander {
  received = 0;
  readonly port: Port;
  readonly #client: Client;
  readonly #host: FakeHost;
  readonly #destination: number;
  readonly #batch: Batch;

  private constructor(host: FakeHost, client: Client, port: Port, queue: QueueName) {
    this.#host = host;
    this.#client = client;
    this.port = port;
    this.#destination = PORTS[queue];
    this.#batch = port.createBatch();
  }

  static async attach(t: ExecutionContext, host: FakeHost, queue: QueueName = 'two'): Promise<Bystander> {
    const client = await connect({ socket: host.socket });
    t.teardown(() => client.close());
    return new Bystander(host, client, await client.attach(queue), queue);
  }

  /** Injects packets and waits for each of them; throws where one is lost, damaged or out of order. */
  async exchange(packets = 64): Promise<void> {
    const end = this.received + packets;
    while (this.received < end) {
      const first = this.received;
      const count = Math.min(BURST, end - first);
      for (let i = 0; i < count; i++) await this.#inject(first + i);
      await until('packets of the bystander', () => this.#take() >= first + count);
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #inject(sequence: number): Promise<void> {
    const packet = numberedPacket(this.#destination, sequence);
    await until('room in the device', () => this.#host.wire.inject(packet));
  }

  #take(): number {
    const count = this.port.rxBurst(this.#batch);
    for (let i = 0; i < count; i++) {
      const sequence = intactSequence(this.#batch.packet(i), this.#destination);
      if (sequence !== this.received) throw new Error(`Packet ${this.received} expected, ${sequence} came`);
      this.received++;
    }
    this.port.release(this.#batch);
    return this.received;
  }
}
