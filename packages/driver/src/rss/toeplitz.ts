/** The key of Microsoft's "Verifying the RSS Hash Calculation", and most cards' by default. */
export const VERIFICATION_KEY = Uint8Array.from(
  Buffer.from('6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa', 'hex'),
);

/**
 * Toeplitz hash ("Introduction to Receive Side Scaling", "RSS Hashing Functions"): for each set bit the key from there.
 * The key is four bytes longer than the data at least.
 */
export function toeplitz(data: Uint8Array, key: Uint8Array = VERIFICATION_KEY): number {
  let hash = 0;
  let window = ((key[0]! << 24) | (key[1]! << 16) | (key[2]! << 8) | key[3]!) >>> 0;
  data.forEach((byte, index) => {
    const next = key[index + 4]!;
    for (let bit = 7; bit >= 0; bit--) {
      if ((byte >>> bit) & 1) hash ^= window;
      window = ((window << 1) | ((next >>> bit) & 1)) >>> 0;
    }
  });
  return hash >>> 0;
}
