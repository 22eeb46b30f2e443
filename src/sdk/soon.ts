/** A function that does a thing once after a moment, however often it is called until then. */
export function soon(ms: number, act: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      act();
    }, ms);
  };
}
