import { linkIndex } from '@nicshare/driver/netlink';
import * as shm from '@nicshare/shm/sys';
import { AF_PACKET, SOCK_RAW } from './sys.js';

const { libc } = shm;
// linux/if_ether.h, linux/if_packet.h, asm-generic/socket.h
const ETH_P_ALL = 0x0003;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const SO_RCVBUFFORCE = 33;
const RECEIVE_BUFFER = 8 << 20;
const MAX_PACKET = 65536;

/** struct sockaddr_ll (packet(7)): an interface, and a protocol in network order. */
function linkAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_ALL, 2);
  address.writeInt32LE(index, 4);
  return address;
}

function setOption(fd: number, level: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  shm.check(libc.setsockopt(fd, level, option, bytes, bytes.length), 'setsockopt(AF_PACKET)');
}

/** Whole Ethernet packets, without their frame check sequence, straight from and to an interface (packet(7)). */
export class PacketSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(MAX_PACKET);

  /** The interface is one of the calling thread's namespace. Throws SystemError. */
  constructor(link: string) {
    const index = linkIndex(link);
    const type = SOCK_RAW | shm.SOCK_CLOEXEC | shm.SOCK_NONBLOCK;
    this.#fd = shm.check(libc.socket(AF_PACKET, type, 0), 'socket(AF_PACKET)');
    try {
      setOption(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
      setOption(this.#fd, shm.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
      const address = linkAddress(index);
      shm.check(libc.bind(this.#fd, address, address.length), `bind(AF_PACKET, ${link})`);
    } catch (error) {
      libc.close(this.#fd);
      throw error;
    }
  }

  /** Throws SystemError. */
  send(packet: Uint8Array): void {
    shm.check(Number(libc.send(this.#fd, packet, packet.length, 0)), 'send(AF_PACKET)');
  }

  /** Takes all packets that have come so far. Throws SystemError. */
  receive(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (;;) {
      const length = Number(libc.recv(this.#fd, this.#buffer, this.#buffer.length, 0));
      if (length < 0) {
        if (shm.errno() === shm.EAGAIN) return packets;
        throw new shm.SystemError('recv(AF_PACKET)', shm.errno());
      }
      packets.push(this.#buffer.slice(0, length));
    }
  }

  close(): void {
    libc.close(this.#fd);
  }
}
