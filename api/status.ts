/** The one error type: a Kubernetes Status that can be thrown, rendered and read back. */
import { goQuote } from './go-quote.ts';

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, unknown>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status;
  constructor(status: Omit<Status, 'kind' | 'apiVersion' | 'metadata' | 'status'> & { readonly metadata?: Status['metadata'] }, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? `HTTP ${status.code}`, options);
    const { metadata = {}, message, reason, details, code } = status;
    // In upstream's order, which people read.
    this.status = { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', ...(message !== undefined && { message }), ...(reason !== undefined && { reason }), ...(details !== undefined && { details }), code };
  }
  get code(): number {
    return this.status.code;
  }
  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** Whether an error is a Status with this reason, as clients branch on it. */
export function isReason(error: unknown, reason: string): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

/** What an error is about: `pods "a"`. */
export interface Subject {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

/** `deployments.apps`, or `pods` in the core group. */
export function qualified(subject: { readonly group: string; readonly resource: string }): string {
  return subject.group ? `${subject.resource}.${subject.group}` : subject.resource;
}

function details(subject: Subject): StatusDetails {
  return { name: subject.name, ...(subject.group && { group: subject.group }), kind: subject.resource };
}

export function notFound(subject: Subject): ApiError {
  const message = `${qualified(subject)} ${goQuote(subject.name)} not found`;
  return new ApiError({ code: 404, reason: 'NotFound', message, details: details(subject) });
}

export function alreadyExists(subject: Subject): ApiError {
  const message = `${qualified(subject)} ${goQuote(subject.name)} already exists`;
  return new ApiError({ code: 409, reason: 'AlreadyExists', message, details: details(subject) });
}

export function conflict(subject: Subject, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} ${goQuote(subject.name)}: ${why}`;
  return new ApiError({ code: 409, reason: 'Conflict', message, details: details(subject) });
}

export function forbidden(subject: Subject, why: string): ApiError {
  const named = subject.name ? ` ${goQuote(subject.name)}` : '';
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${qualified(subject)}${named} is forbidden: ${why}`,
    details: { ...(subject.name && { name: subject.name }), ...(subject.group && { group: subject.group }), kind: subject.resource },
  });
}

export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

export function internalError(message: string, options?: ErrorOptions): ApiError {
  return new ApiError(
    { code: 500, reason: 'InternalError', message: `Internal error occurred: ${message}`, details: { causes: [{ message }] } },
    options,
  );
}
