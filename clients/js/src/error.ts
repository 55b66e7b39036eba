// One error for everything that fails.

/** One wrong member or parameter of a request. */
export interface Detail {
  code: string;
  detail: string;
  /** Into the body: `/caption`, or `/ops/2/data/text` in a batch. */
  pointer?: string;
  /** Or the name of a header. */
  parameter?: string;
  /** In the parameter, from 1. */
  column?: number;
}

/** What the server said (RFC 9457), or that it could not be asked: then `code` is `network` and `status` 0. */
export class RoundtripError extends Error {
  override readonly name = 'RoundtripError';
  readonly status: number;
  /** The family: `invalid_argument`, `not_found`, `unauthenticated`, …, or `network`. */
  readonly code: string;
  /** Exactly why: `store.unique`. '' where the server gave none. */
  readonly reason: string;
  /** A sentence for people. */
  readonly detail: string;
  readonly errors: readonly Detail[];
  /**
   * Names this request at the server: `roundtrip journey ID` and its log tell each station of it. '' where no name is known:
   * no answer came (nothing says that the request arrived), or something on the way answered in the server's place.
   */
  readonly journey: string;
  /** Seconds to wait before it is worth another try. */
  readonly retryAfter: number | undefined;

  constructor(problem: Partial<RoundtripError> & { title?: string }, cause?: unknown) {
    const detail = problem.detail ?? problem.title ?? `The server answered with ${problem.status}.`;
    super(detail, cause === undefined ? undefined : { cause });
    this.status = problem.status ?? 0;
    this.code = problem.code ?? 'unknown';
    this.reason = problem.reason ?? '';
    this.detail = detail;
    this.errors = problem.errors ?? [];
    this.journey = problem.journey ?? '';
    this.retryAfter = problem.retryAfter;
  }
}
