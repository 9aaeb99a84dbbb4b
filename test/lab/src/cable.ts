/** QEMU's arguments for a cable between two cards of the guest; the second is the kernel's, as eth1. */
export const cable = (model: string): string[] => [
  ...['a', 'b'].flatMap((end) => ['-netdev', `hubport,id=${end},hubid=0`]),
  ...['-device', `${model},netdev=a,mac=52:54:00:12:34:56`],
  ...['-device', 'virtio-net-pci,netdev=b,mac=52:54:00:12:34:57'],
];

/** Commands that prepare the guest for a driver of ours on the first of them. */
export const prepareCable = (module: string): string => `
  for module in ${module} virtio_pci virtio_net uio_pci_generic vfio-pci vfio_iommu_type1; do modprobe $module; done
  echo 64 > /proc/sys/vm/nr_hugepages; mkdir -p /dev/hugepages; mount -t hugetlbfs nodev /dev/hugepages
  for family in all default; do echo 1 > /proc/sys/net/ipv6/conf/$family/disable_ipv6; done
  ip link set eth1 promisc on`;
