/** An item as a reconnecting reader knows it: dagstream's, or a provider's. */
export interface Item {
  readonly type: string
  readonly id?: string
  readonly data?: unknown
  readonly eventId?: string
}

/** A source that yields these and then ends, or fails with what is an error. */
export async function* source(...steps: readonly (Item | Error)[]): AsyncGenerator<Item, void, undefined> {
  for (const step of steps) {
    if (step instanceof Error) throw step
    yield step
  }
}

export const token = (seq: number, executionId = 'x'): Item => ({ type: 'token', id: `${executionId}.${seq}` })
export const complete = (seq: number): Item => ({ type: 'execution_complete', id: `x.${seq}` })
