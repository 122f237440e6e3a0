/** A statement with parameters. Its name prepares it once per connection. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** Declares a statement. All values are parameters: nothing is ever joined into the text. */
export function statement(name: string, text: string): Statement {
  return { name: `dagstream_${name}`, text }
}
