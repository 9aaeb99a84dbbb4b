import * as sys from '@nicshare/shm/sys';

// bits/socket.h, netinet/in.h, asm-generic/socket.h
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;
const SO_RCVBUFFORCE = 33;

const RECEIVE_BUFFER = 8 << 20;
const MAX_DATAGRAM = 65535;
/** What is taken before the event loop has a turn. */
const MAX_TAKEN = 256;

function socketAddress(ip: string, port: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set(ip.split('.').map(Number), 4);
  return address;
}

/** A datagram socket of the kernel's network stack, connected. Node's own know no ICMP and no large receive buffer. */
export class KernelSocket {
  readonly #fd: number;
  readonly #received = Buffer.alloc(MAX_DATAGRAM);
  /** Silent once it is collected. */
  protected readonly watch: sys.ReadableWatch;

  private constructor(type: number, protocol: number, peer: Buffer, onDatagram: (bytes: Buffer) => void) {
    this.#fd = sys.check(sys.libc.socket(AF_INET, type | sys.SOCK_CLOEXEC, protocol), 'socket');
    const size = Buffer.alloc(4);
    size.writeInt32LE(RECEIVE_BUFFER);
    const { setsockopt, connect } = sys.libc;
    sys.check(setsockopt(this.#fd, sys.SOL_SOCKET, SO_RCVBUFFORCE, size, size.length), 'SO_RCVBUFFORCE');
    sys.check(connect(this.#fd, peer, peer.length), 'connect');
    this.watch = sys.watchReadable(this.#fd, () => this.#take(onDatagram));
  }

  static udp(ip: string, port: number, onDatagram: (payload: Buffer) => void): KernelSocket {
    return new KernelSocket(SOCK_DGRAM, 0, socketAddress(ip, port), onDatagram);
  }

  /** Sends ICMP messages and receives all of them from that address, each behind its IPv4 header. Needs root. */
  static icmp(ip: string, onDatagram: (packet: Buffer) => void): KernelSocket {
    return new KernelSocket(SOCK_RAW, IPPROTO_ICMP, socketAddress(ip, 0), onDatagram);
  }

  /** Returns false where the kernel did not take it, for want of room or because of an earlier refusal by ICMP. */
  send(bytes: Buffer): boolean {
    return Number(sys.libc.send(this.#fd, bytes, bytes.length, sys.MSG_DONTWAIT)) === bytes.length;
  }

  /** `bytes` is good until the handler returns. */
  #take(onDatagram: (bytes: Buffer) => void): void {
    for (let i = 0; i < MAX_TAKEN; i++) {
      const length = Number(sys.libc.recv(this.#fd, this.#received, MAX_DATAGRAM, sys.MSG_DONTWAIT));
      if (length < 0) return;
      onDatagram(this.#received.subarray(0, length));
    }
  }
}
