/**
 * The lines of a stream of UTF-8.
 *
 * @module
 */

/** A line is longer than the reader allows. */
export class LongLineError extends Error {
  override name = "LongLineError";
}

/** A line without its end. */
export interface Line {
  readonly text: string;
  /** Whether its end came; the last line may have none. */
  readonly isWhole: boolean;
}

const NEWLINE = 10;

/**
 * Cuts pieces into lines; a piece is not needed any more when the next one is asked for.
 *
 * @param longest bytes that a line may have.
 * @throws {LongLineError} for a longer one.
 */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  longest = Infinity,
): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let [open, length] = ["", 0];
  const grow = (bytes: number) => {
    length += bytes;
    if (length > longest) throw new LongLineError(`A line has over ${longest} bytes`);
  };
  for await (const piece of pieces) {
    let start = 0;
    for (
      let end = piece.indexOf(NEWLINE);
      end >= 0;
      end = piece.indexOf(NEWLINE, start)
    ) {
      grow(end - start);
      const text = open + decoder.decode(piece.subarray(start, end));
      yield { text, isWhole: true };
      [open, length, start] = ["", 0, end + 1];
    }
    grow(piece.length - start);
    open += decoder.decode(piece.subarray(start), { stream: true });
  }
  open += decoder.decode();
  if (length > 0) yield { text: open, isWhole: false };
}

/**
 * The lines of several streams, as they arrive. `Promise.race()` of the next line of each would keep every line for as
 * long as one stream is silent.
 */
export async function* mergedLines(...streams: ReadableStream<Uint8Array>[]): AsyncGenerator<Line> {
  const { readable, writable } = new TransformStream<Line, Line>();
  const writer = writable.getWriter();
  const copying = streams.map(async (stream) => {
    for await (const line of linesOf(stream)) await writer.write(line);
  });
  Promise.all(copying).then(() => writer.close()).catch((error) => writer.abort(error));
  yield* readable;
}
