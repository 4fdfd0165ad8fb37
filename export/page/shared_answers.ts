/**
 * Answers that are expensive to make: one is made, and shared by all who ask for it at the same time.
 *
 * @module
 */

/** For so long an answer is given to others who ask for the same, milliseconds. */
const SHARED_MS = 1000;

/** Makes each answer at most once a second, and keeps few of them. */
export class SharedAnswers implements Disposable {
  readonly #most: number;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #answers = new Set<SharedAnswer>();
  readonly #newest = new Map<string, SharedAnswer>();

  /** @param most the most answers in memory; each stays for a second, and until all have read it. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * An answer as a stream.
   *
   * @param key what is asked for.
   * @param make its pieces, made as fast as the fastest reader takes them.
   * @returns null when there are too many already.
   */
  get(
    key: string,
    make: () => Iterable<string> | AsyncIterable<string>,
  ): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const known = this.#newest.get(key);
    if (known !== undefined) return known.stream();
    if (this.#answers.size >= this.#most) return null;
    const answer = new SharedAnswer(make, () => this.#answers.delete(answer));
    this.#answers.add(answer);
    this.#newest.set(key, answer);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#newest.delete(key);
      answer.close();
    }, SHARED_MS);
    this.#timers.add(timer);
    return answer.stream();
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** One answer, and how many read it. */
class SharedAnswer {
  readonly #iterator: AsyncIterator<string>;
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  readonly #onUnused: () => void;
  #next: Promise<boolean> | null = null;
  #readers = 0;
  #isClosed = false;

  constructor(make: () => Iterable<string> | AsyncIterable<string>, onUnused: () => void) {
    this.#iterator = piecesOf(make);
    this.#onUnused = onUnused;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#readers++;
    let [at, isReading] = [0, true];
    const end = () => {
      if (!isReading) return;
      isReading = false;
      this.#readers--;
      this.#dropUnused();
    };
    return new ReadableStream({
      pull: async (controller) => {
        try {
          if (at < this.#pieces.length || await this.#make()) {
            return controller.enqueue(this.#pieces[at++]!);
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }

  /** Takes no more readers. */
  close(): void {
    this.#isClosed = true;
    this.#dropUnused();
  }

  #dropUnused(): void {
    if (!this.#isClosed || this.#readers > 0) return;
    this.#pieces.length = 0;
    this.#onUnused();
  }

  /** Makes one more piece; false at the end. All who wait for it get the same. */
  #make(): Promise<boolean> {
    return this.#next ??= this.#iterator.next().then(({ done, value }) => {
      if (done) return false;
      this.#pieces.push(new TextEncoder().encode(value));
      this.#next = null;
      return true;
    });
  }
}

async function* piecesOf(
  make: () => Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string> {
  yield* make();
}
