/** An IPv4 address as a number whose bytes lie in memory as they do on the wire (little endian machine). */
export function parseIpv4(text: string): number {
  const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

export const formatIpv4 = (address: number): string =>
  `${address & 0xff}.${(address >>> 8) & 0xff}.${(address >>> 16) & 0xff}.${address >>> 24}`;

const KEPT = 4096;

/** The texts of addresses that were seen lately: a text a packet would be the dearest part of it. */
export class AddressTexts {
  readonly #texts = new Map<number, string>();

  of(address: number): string {
    const known = this.#texts.get(address);
    if (known !== undefined) return known;
    if (this.#texts.size >= KEPT) this.#texts.clear();
    const text = formatIpv4(address);
    this.#texts.set(address, text);
    return text;
  }
}
