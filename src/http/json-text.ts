/**
 * An answer that is JSON text already. Routes that give events join the texts that the read models hold; the
 * route's response schema says what the text looks like, and tests hold it against that.
 */
export class JsonText {
  readonly text: string;
  readonly status: number;

  constructor(text: string, status = 200) {
    this.text = text;
    this.status = status;
  }
}

/** The JSON text of a value, as an answer with another status than 200. */
export function jsonAnswer(status: number, value: Readonly<Record<string, unknown>>): JsonText {
  return new JsonText(JSON.stringify(value), status);
}
