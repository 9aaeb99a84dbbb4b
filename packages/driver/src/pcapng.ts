/** Writing pcapng, for who records packets without a device. */
export { type BlockOption, encodeOptions } from './pcap/capture/block-options.js';
export {
  BlockBuffer,
  MAX_WRITTEN,
  type PacketKind,
  WRITER_BYTES,
  type WriterMemory,
  type WrittenInterface,
} from './pcap/capture/blocks.js';
export * as pcapngFormat from './pcap/capture/pcapng-format.js';
export { fileError } from './pcap/file-error.js';
