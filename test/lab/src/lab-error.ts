/** The lab cannot run on this machine: a package is missing or cannot be had. Tests are skipped with its sentence. */
export class LabUnavailable extends Error {
  override name = 'LabUnavailable';
}
