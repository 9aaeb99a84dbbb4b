/** Every way in which nicshare refuses or ends something. */
export type ErrorCode =
  | 'NoSuchQueue'
  | 'QueueBusy'
  | 'NotAllowed'
  | 'TooManyTaps'
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
  | 'FilterInvalid'
  | 'OutputFailed'
  | 'NoRoute'
  | 'NeighbourFailed'
  | 'TooManyRequests'
  | 'ConfigInvalid'
  | 'SystemError';

/** An error with a code to test for, a sentence for people, and what to do about it. */
export class NicshareError extends Error {
  /** What to test for. */
  declare readonly code: ErrorCode;
  /** What to do, as a sentence; also the end of `message`. */
  declare readonly action: string;

  constructor(code: ErrorCode, what: string, action: string, options?: ErrorOptions) {
    super(action === '' ? what : `${what} ${action}`, options);
    // Not enumerable: Node prints an uncaught error's other properties once more, below its sentence.
    for (const [name, value] of Object.entries({ name: code, code, action }))
      Object.defineProperty(this, name, { value, configurable: true, writable: true });
  }
}

/**
 * Resolves as `result` does. An error gets the stack of whoever called `entry`: Node then shows the line of the
 * application that is to be mended, not one in here.
 */
export async function blameCaller<T>(
  entry: (...args: never[]) => Promise<unknown>,
  result: Promise<T>,
): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof NicshareError) Error.captureStackTrace(error, entry);
    throw error;
  }
}

/** Whether an error is one of these, and, where a code is given, the one with that code. */
export const isNicshareError = (error: unknown, code?: ErrorCode): error is NicshareError =>
  error instanceof NicshareError && (code === undefined || error.code === code);

/** An error as it goes to another process or thread. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly action: string;
}

/** Any error in that form; one that is not ours is a SystemError there. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof NicshareError)
    return { code: error.code, message: error.message, action: error.action };
  return { code: 'SystemError', message: error instanceof Error ? error.message : String(error), action: '' };
}

/** The error that `toPlainError` was given, on the other side. */
export function fromPlainError({ code, message, action }: PlainError): NicshareError {
  const ending = ` ${action}`;
  const what = message.endsWith(ending) ? message.slice(0, -ending.length) : message;
  return new NicshareError(code as ErrorCode, what, action);
}
