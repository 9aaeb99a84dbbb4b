/** Every way in which nicshare refuses or ends something. */
export type ErrorCode =
  | 'NoSuchQueue'
  | 'QueueBusy'
  | 'NotAllowed'
  | 'VersionMismatch'
  | 'OutOfMemory'
  | 'DispatcherNotRunning'
  | 'DispatcherRunning'
  | 'SocketUnusable'
  | 'MetricsUnusable'
  | 'Detached'
  | 'DispatcherStopped'
  | 'ProtocolViolation'
  | 'RingViolation'
  | 'Timeout'
  | 'Closed'
  | 'InvalidArgument'
  | 'InterfaceNotFound'
  | 'InterfaceTaken'
  | 'InterfaceLost'
  | 'NotPermitted'
  | 'NotSupported'
  | 'DeviceFailed'
  | 'FileNotFound'
  | 'CaptureInvalid'
  | 'ConfigInvalid'
  | 'SystemError';

/** An error with a code to test for, a sentence for people, and what to do about it. */
export class NicshareError extends Error {
  readonly code: ErrorCode;
  /** What to do, as a sentence; also the end of `message`. */
  readonly action: string;

  constructor(code: ErrorCode, what: string, action: string, options?: ErrorOptions) {
    super(action === '' ? what : `${what} ${action}`, options);
    this.name = code;
    this.code = code;
    this.action = action;
  }
}

export const isNicshareError = (error: unknown, code?: ErrorCode): error is NicshareError =>
  error instanceof NicshareError && (code === undefined || error.code === code);
