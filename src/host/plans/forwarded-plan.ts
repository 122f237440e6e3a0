import { ForwardedPlanner, type ForwardingContext } from './forwarded-planner.ts'
import type { OpenPlan, Planner } from './planner.ts'

/** The plan of an execution that another server runs, with its planners here. The coordinator decides which one writes. */
export class ForwardedPlan implements OpenPlan {
  readonly #context: ForwardingContext
  readonly #executionId: string
  readonly #onRead: () => void
  readonly #writing = new Set<ForwardedPlanner>()
  #read: Promise<void> = Promise.resolve()
  #isComplete = false

  /** @param onRead called whenever nobody writes it here any more */
  constructor(context: ForwardingContext, executionId: string, onRead: () => void) {
    this.#context = context
    this.#executionId = executionId
    this.#onRead = onRead
  }

  get read(): Promise<void> {
    return this.#read
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  async resume(planner: Planner, line: number | undefined): Promise<void> {
    const forwarded = new ForwardedPlanner(this.#context, this.#executionId, planner)
    this.#writing.add(forwarded)
    try {
      const write = await forwarded.open(line)
      this.#read = Promise.all([this.#read, this.#follow(forwarded, write)]).then(() => {})
    } catch (error) {
      this.#remove(forwarded)
      throw error
    }
  }

  /** Its planners here have to find another server. */
  close(): void {
    for (const forwarded of this.#writing) forwarded.abort()
  }

  async #follow(forwarded: ForwardedPlanner, write: () => Promise<boolean>): Promise<void> {
    if (await write()) this.#isComplete = true
    this.#remove(forwarded)
  }

  #remove(forwarded: ForwardedPlanner): void {
    this.#writing.delete(forwarded)
    if (this.#writing.size === 0) this.#onRead()
  }
}
