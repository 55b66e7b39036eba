// Callbacks of users.

/** Runs what a user gave us: what it throws is theirs, and must not stop others from being told. */
export function safely(run: () => void): void {
  try {
    run();
  } catch (e) {
    queueMicrotask(() => {
      throw e;
    });
  }
}
