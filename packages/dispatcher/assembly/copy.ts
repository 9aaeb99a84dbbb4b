/** Above this memory.copy is faster than 16-byte moves. */
const SHORT: u32 = 128;

/** Copies exactly `length` bytes: what lies behind a packet may be somebody else's. */
// @ts-ignore: decorator
@inline
export function copyPacket(to: u32, from: u32, length: u32): void {
  if (length > SHORT || length < 16) {
    memory.copy(to, from, length);
    return;
  }
  const tail = length - 16;
  for (let at: u32 = 0; at < tail; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + tail, v128.load(from + tail));
}
