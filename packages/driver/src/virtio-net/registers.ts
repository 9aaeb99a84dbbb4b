/* What virtio's PCI transport and network device lay out: "Virtual I/O Device (VIRTIO) Version 1.2". */

/** Vendor-specific capability of PCI, and struct virtio_pci_cap in it (4.1.4). */
export const CAPABILITY_VENDOR = 0x09;
export const CAP_TYPE = 3;
export const CAP_BAR = 4;
export const CAP_OFFSET = 8;
export const CAP_LENGTH = 12;
/** Of the notification structure alone (4.1.4.4). */
export const CAP_NOTIFY_MULTIPLIER = 16;
/** Types. */
export const COMMON = 1;
export const NOTIFY = 2;
export const ISR = 3;
export const DEVICE = 4;

// struct virtio_pci_common_cfg (4.1.4.3)
export const DEVICE_FEATURE_SELECT = 0x00;
export const DEVICE_FEATURE = 0x04;
export const DRIVER_FEATURE_SELECT = 0x08;
export const DRIVER_FEATURE = 0x0c;
export const DEVICE_STATUS = 0x14;
export const CONFIG_GENERATION = 0x15;
export const QUEUE_SELECT = 0x16;
export const QUEUE_SIZE = 0x18;
export const QUEUE_MSIX_VECTOR = 0x1a;
export const QUEUE_ENABLE = 0x1c;
export const QUEUE_NOTIFY_OFF = 0x1e;
export const QUEUE_DESC = 0x20;
export const QUEUE_DRIVER = 0x28;
export const QUEUE_DEVICE = 0x30;
export const COMMON_BYTES = 0x38;
export const NO_VECTOR = 0xffff;

// Device status (2.1)
export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const NEEDS_RESET = 64;
/** A card that was removed answers so. */
export const GONE = 0xff;

// struct virtio_net_config (5.1.4)
export const MAC = 0;
export const STATUS = 6;
export const MAX_VIRTQUEUE_PAIRS = 8;
export const RSS_MAX_KEY_SIZE = 17;
export const RSS_MAX_INDIRECTION_TABLE_LENGTH = 18;
export const SUPPORTED_HASH_TYPES = 20;
export const STATUS_LINK_UP = 1;
