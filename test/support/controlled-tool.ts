import type { ToolContext } from '../../src/index.ts'
import { idle } from './fake-clock.ts'

/** One call of a controlled tool, which ends when the test says so. */
export interface ToolCall {
  readonly taskId: string
  readonly args: Record<string, unknown>
  readonly context: ToolContext
  /** Lets the call return `value`. */
  succeed(value?: unknown): void
  /** Lets the call throw `error`. */
  fail(error?: unknown): void
}

/** Turns of the event loop that anything may take which needs neither time nor input. */
const MAX_TURNS = 200

/** A tool whose calls a test holds in its hand, each by the id of its task. */
export class ControlledTool {
  /** Ids of the tasks whose calls began, in order; a retried one once per attempt. */
  readonly started: string[] = []
  /** Calls that have not ended. */
  runningCount = 0
  /** The most calls that ran at once. */
  peakCount = 0
  #untaken: ToolCall[] = []

  /** The `execute` of the tool. */
  readonly execute = (args: Record<string, unknown>, context: ToolContext): Promise<unknown> => {
    const { taskId } = context
    this.started.push(taskId)
    this.runningCount += 1
    this.peakCount = Math.max(this.peakCount, this.runningCount)
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = (settle: () => void): void => {
        if (!isOver) this.runningCount -= 1
        isOver = true
        settle()
      }
      this.#untaken.push({
        taskId,
        args,
        context,
        succeed: value => end(() => resolve(value)),
        fail: (error = new Error('no')) => end(() => reject(error)),
      })
    })
  }

  /** The next call of a task, once it has begun. Rejects when it does not begin without help. */
  async nextCall(taskId: string): Promise<ToolCall> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const at = this.#untaken.findIndex(call => call.taskId === taskId)
      if (at >= 0) return this.#untaken.splice(at, 1)[0] as ToolCall
      await nextTurn()
    }
    throw new Error(`Expected a call of \`${taskId}\`, got those of ${this.started.join(', ') || 'no task'}`)
  }

  /** The next calls of several tasks, once all have begun. */
  async nextCalls<Ids extends readonly string[]>(...taskIds: Ids): Promise<{ [K in keyof Ids]: ToolCall }> {
    const calls: ToolCall[] = []
    for (const taskId of taskIds) calls.push(await this.nextCall(taskId))
    return calls as { [K in keyof Ids]: ToolCall }
  }

  /** The calls that no test has taken yet, in the order in which they began. */
  takeAll(): ToolCall[] {
    return this.#untaken.splice(0)
  }

  /** The first call that no test has taken yet, if there is one. */
  takeFirst(): ToolCall | undefined {
    return this.#untaken.shift()
  }

  /** Lets every call succeed with `value`, those that follow too, until no more begin without time or input. */
  async succeedAll(value?: unknown): Promise<void> {
    for (await this.idle(); this.#untaken.length > 0; await this.idle()) {
      for (const call of this.takeAll()) call.succeed(value)
    }
  }

  /** Resolves when everything that can happen without time or input has happened. */
  async idle(): Promise<void> {
    await idle()
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
