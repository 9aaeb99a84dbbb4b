import { exceptionPathFindings } from './exception-path.js';
import { type Finding, fail, ok } from './finding.js';
import { interfaceFindings } from './interface.js';
import { hugepageFindings, iommuFindings } from './memory.js';
import type { DispatcherReadings, Readings } from './readings.js';
import { rightsFindings } from './rights.js';
import { socketFindings } from './sockets.js';
import { kernelFindings, softwareFindings } from './software.js';

function configFindings({ config }: DispatcherReadings): Finding[] {
  if (!config) return [];
  const subject = `configuration ${config.file}`;
  return [
    config.error === undefined
      ? ok(subject, 'it is valid')
      : fail(
          subject,
          config.error.replace(/\n\s*/g, ' '),
          `npx nicshare dispatcher --check --config ${config.file}`,
        ),
  ];
}

/** All that can be said of a machine from what was read of it. */
export function diagnose(readings: Readings): Finding[] {
  const { machine, dispatcher } = readings;
  const findings = [...softwareFindings(readings), ...kernelFindings(readings)];
  if (typeof dispatcher === 'string') return findings;
  return [
    ...findings,
    ...configFindings(dispatcher),
    ...rightsFindings(machine, dispatcher),
    ...hugepageFindings(machine, dispatcher.needs),
    ...iommuFindings(machine),
    ...interfaceFindings(machine, dispatcher),
    ...exceptionPathFindings(machine, dispatcher),
    ...socketFindings(dispatcher),
  ];
}
