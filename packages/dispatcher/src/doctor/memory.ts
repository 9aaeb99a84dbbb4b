import { type Finding, fail, ok, warn } from './finding.js';
import type { MachineReadings, Needs } from './readings.js';

/** Pages of 2 MiB. */
export function hugepageFindings({ hugepages }: MachineReadings, needs: Needs): Finding[] {
  const subject = 'huge pages';
  const { hugepagePolicy: policy } = needs;
  if (policy === 'never') return [ok(subject, 'the configuration takes none')];
  const lacking = policy === 'require' ? fail : warn;
  if (!hugepages)
    return [
      lacking(
        subject,
        'this kernel has none of 2 MiB',
        'write `hugepages: never` in the configuration, or boot a kernel with CONFIG_HUGETLBFS',
      ),
    ];
  const { total, free } = hugepages;
  const what = `${free} of ${total} pages of 2 MiB are free, ${needs.hugepages} are needed`;
  if (free >= needs.hugepages) return [ok(subject, what)];
  const command = `sudo sysctl -w vm.nr_hugepages=${total + needs.hugepages - free}`;
  return [lacking(subject, policy === 'require' ? what : `${what}; without them it is slower`, command)];
}

const INTEL_COMMAND =
  "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on iommu=pt /' /etc/default/grub && sudo update-grub && sudo reboot";

/** An IOMMU is for drivers that own a card by VFIO; AF_XDP leaves the card to the kernel. */
export function iommuFindings({ iommuGroups }: MachineReadings): Finding[] {
  if (iommuGroups > 0) return [ok('IOMMU', `${iommuGroups} groups`)];
  const mend = `only for drivers that own the card: switch it on in the firmware's setup; Intel: ${INTEL_COMMAND}`;
  return [warn('IOMMU', 'there is none; AF_XDP needs none', mend)];
}
