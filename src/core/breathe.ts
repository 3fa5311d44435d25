/** How long work may hold the event loop, ms. */
const slice = 30;

/** Lets others run between pieces of long work: `await breathe()` gives way at most every 30 ms, so that
 *  cancellation, progress and servers keep working. One for each piece of work. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < slice) return;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0);
    });
    last = performance.now();
  };
}
