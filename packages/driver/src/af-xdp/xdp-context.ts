// Fields of struct xdp_md, the context of an XDP program (linux/bpf.h), u32 each.
export const CONTEXT_DATA = 0;
export const CONTEXT_DATA_END = 4;
export const CONTEXT_DATA_META = 8;
export const CONTEXT_RX_QUEUE = 16;
