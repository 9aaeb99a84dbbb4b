import * as sys from '../sys/index.js';

const { libc } = sys;
const CMSG_HEADER = 16;
/** What a message may bring where its receiver names no number. */
const MAX_DESCRIPTORS = 16;

const cmsgSpace = (descriptors: number): number => CMSG_HEADER + Math.ceil((descriptors * 4) / 8) * 8;

/** struct msghdr with one iovec (bits/socket.h). The buffers must outlive the call, hence they are returned too. */
function messageHeader(bytes: Uint8Array, control: Uint8Array): { header: Buffer; keep: unknown[] } {
  const iovec = Buffer.alloc(16);
  iovec.writeBigUInt64LE(BigInt(sys.addressOf(bytes)), 0);
  iovec.writeBigUInt64LE(BigInt(bytes.length), 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(BigInt(sys.addressOf(iovec)), 16);
  header.writeBigUInt64LE(1n, 24);
  if (control.length > 0) header.writeBigUInt64LE(BigInt(sys.addressOf(control)), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return { header, keep: [iovec, bytes, control] };
}

/** Sends one message and, by SCM_RIGHTS, descriptors with it (unix(7)). Never blocks. Throws SystemError. */
export function sendDescriptors(socket: number, bytes: Uint8Array, descriptors: readonly number[]): void {
  const control = Buffer.alloc(descriptors.length === 0 ? 0 : cmsgSpace(descriptors.length));
  if (descriptors.length > 0) {
    control.writeBigUInt64LE(BigInt(CMSG_HEADER + descriptors.length * 4), 0);
    control.writeInt32LE(sys.SOL_SOCKET, 8);
    control.writeInt32LE(sys.SCM_RIGHTS, 12);
    descriptors.forEach((fd, i) => {
      control.writeInt32LE(fd, CMSG_HEADER + i * 4);
    });
  }
  const message = messageHeader(bytes, control);
  sys.check(libc.sendmsg(socket, message.header, sys.MSG_NOSIGNAL | sys.MSG_DONTWAIT), 'sendmsg');
}

export interface ReceivedMessage {
  readonly bytes: Buffer;
  readonly descriptors: number[];
}

function readDescriptors(control: Buffer, length: number): number[] {
  const descriptors: number[] = [];
  let at = 0;
  while (at + CMSG_HEADER <= length) {
    const cmsgLength = Number(control.readBigUInt64LE(at));
    if (cmsgLength < CMSG_HEADER) break;
    const rights =
      control.readInt32LE(at + 8) === sys.SOL_SOCKET && control.readInt32LE(at + 12) === sys.SCM_RIGHTS;
    if (rights)
      for (let fd = at + CMSG_HEADER; fd + 4 <= at + cmsgLength; fd += 4)
        descriptors.push(control.readInt32LE(fd));
    at += Math.ceil(cmsgLength / 8) * 8;
  }
  return descriptors;
}

/**
 * Takes one message and the descriptors that came with it; the caller owns them. Never blocks. `again`: none has
 * come yet. `closed`: the other side has hung up. A message that was cut is given up: `truncated`.
 */
export function receiveDescriptors(
  socket: number,
  maxBytes: number,
  maxDescriptors = MAX_DESCRIPTORS,
): ReceivedMessage | 'again' | 'closed' | 'truncated' {
  const bytes = Buffer.alloc(maxBytes);
  const control = Buffer.alloc(cmsgSpace(maxDescriptors));
  const { header } = messageHeader(bytes, control);
  const length = Number(libc.recvmsg(socket, header, sys.MSG_CMSG_CLOEXEC | sys.MSG_DONTWAIT));
  if (length < 0) return sys.errno() === sys.EAGAIN ? 'again' : 'closed';
  const descriptors = readDescriptors(control, Number(header.readBigUInt64LE(40)));
  const flags = header.readInt32LE(48);
  if (flags & (sys.MSG_TRUNC | sys.MSG_CTRUNC)) {
    for (const fd of descriptors) libc.close(fd);
    return 'truncated';
  }
  if (length === 0 && descriptors.length === 0) return 'closed';
  return { bytes: bytes.subarray(0, length), descriptors };
}
