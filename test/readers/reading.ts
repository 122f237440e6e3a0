/** A message as a reader was given it. */
export interface ReadMessage {
  /** The last event id at that moment. */
  readonly id: string
  readonly type: string
  readonly data: string
  /** When the reader had it, by the reader's own clock: ms since 1970. */
  readonly at: number
}

/** What one reader has read so far, and whether it is done. */
export class Reading {
  readonly messages: ReadMessage[] = []
  /** How often it was told that a connection was lost, not counting the last. */
  lostCount = 0
  /** Settles once the reader will not come back. */
  readonly closed: Promise<void>
  /** Ends the reader, wherever it is. */
  leave: () => void | Promise<void> = () => {}
  #close: () => void = () => {}
  #waiting: {
    readonly isWanted: (message: ReadMessage) => boolean
    readonly resolve: (message: ReadMessage) => void
  }[] = []

  constructor() {
    this.closed = new Promise(resolve => {
      this.#close = resolve
    })
  }

  readonly add = (message: ReadMessage): void => {
    this.messages.push(message)
    this.#waiting = this.#waiting.filter(({ isWanted, resolve }) => {
      if (!isWanted(message)) return true
      resolve(message)
      return false
    })
  }

  readonly close = (): void => this.#close()

  /** The first message of this type and task, once it has been read. */
  until(type: string, taskId?: string): Promise<ReadMessage> {
    const isWanted = (message: ReadMessage): boolean =>
      message.type === type && (taskId === undefined || taskIdOf(message) === taskId)
    const found = this.messages.find(isWanted)
    if (found) return Promise.resolve(found)
    return new Promise(resolve => void this.#waiting.push({ isWanted, resolve }))
  }
}

function taskIdOf({ data }: ReadMessage): unknown {
  return (JSON.parse(data) as { taskId?: unknown }).taskId
}

/** The places in the log that messages have, in the order in which they were read. */
export function seqsOf(messages: readonly ReadMessage[]): number[] {
  return messages.map(({ id }) => Number(id.split('.')[1]))
}

/** Messages without the times, which are each reader's own. */
export function withoutTimes(messages: readonly ReadMessage[]): Omit<ReadMessage, 'at'>[] {
  return messages.map(({ id, type, data }) => ({ id, type, data }))
}
