/** Reads integers of a file in one byte order. */
export interface ByteOrder {
  u16(bytes: Buffer, offset: number): number;
  u32(bytes: Buffer, offset: number): number;
}

export const LITTLE_ENDIAN: ByteOrder = {
  u16: (bytes, offset) => bytes.readUInt16LE(offset),
  u32: (bytes, offset) => bytes.readUInt32LE(offset),
};

export const BIG_ENDIAN: ByteOrder = {
  u16: (bytes, offset) => bytes.readUInt16BE(offset),
  u32: (bytes, offset) => bytes.readUInt32BE(offset),
};
