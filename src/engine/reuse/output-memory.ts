import type { TaskState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { writeCanonicalJson } from '../../json/canonical-json.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import type { PlannedTask } from '../../plan/execution-plan.ts'
import type { ExecutionStore, RememberedOutput } from '../../store/execution-store.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import type { CacheWords } from '../../workflow/checked-document.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import type { MutableCounters } from '../counters.ts'
import type { Scopes } from '../groups/scopes.ts'
import type { ReusedOutput } from '../task-events.ts'
import { sha256 } from './sha256.ts'

/** The methods of a store that remember outputs. */
export type OutputStore = Required<Pick<ExecutionStore, 'recall' | 'remember'>>

/** What the memory of one execution works with. */
export interface MemoryParts {
  readonly store: OutputStore
  readonly executionId: string
  readonly owner: string | undefined
  readonly table: TaskTable
  readonly scopes: Scopes
  readonly counters: MutableCounters
  readonly logger: Logger
  /** Lets the next round decide. */
  readonly wake: () => void
}

/** `undefined` for a store that does not remember outputs. */
export function toOutputStore(store: Partial<ExecutionStore> | undefined): OutputStore | undefined {
  if (store?.recall === undefined || store.remember === undefined) return undefined
  return { recall: store.recall.bind(store), remember: store.remember.bind(store) }
}

/**
 * Finds outputs of earlier calls for tasks with `cache`, and keeps those of this execution. Only ever a shortcut: whatever goes
 * wrong with it, the task is called.
 */
export class OutputMemory {
  readonly #parts: MemoryParts
  /** Of tasks that are called, from their decision to their end. */
  readonly #keys = new Map<number, string>()
  /** Answers that came later, for the decision that follows. */
  readonly #answers = new Map<number, ReusedOutput | undefined>()

  /** The last one. */
  #head:
    | { readonly name: string; readonly version: string | undefined; readonly isKey: boolean; readonly text: string }
    | undefined

  constructor(parts: MemoryParts) {
    this.#parts = parts
  }

  /** The output that a task takes; `undefined` for one that is called; `'later'` where the answer makes the task due again. */
  find(task: number, { cache, tool }: PlannedTask): ReusedOutput | 'later' | undefined {
    if (cache === undefined) return undefined
    if (this.#answers.has(task)) {
      const answer = this.#answers.get(task)
      this.#answers.delete(task)
      return answer
    }
    const key = this.#keyOf(task, cache, { name: tool.name, version: tool.version })
    if (key === undefined) return undefined
    const found =
      typeof key === 'string' ? this.#recall(task, key, cache) : key.then(each => this.#recall(task, each, cache))
    if (!(found instanceof Promise)) return this.#count(found)
    // It never rejects.
    void found
      .catch(error => this.#warn('A remembered output could not be read', error))
      .then(answer => {
        this.#answers.set(task, this.#count(answer))
        this.#parts.table.due.addTask(task)
        this.#parts.wake()
      })
    return 'later'
  }

  /** A task has settled: remembers its output, if it was called and succeeded. */
  settled(task: number, { result }: TaskState): void {
    const cache = this.#parts.table.graph.taskAt(task)?.cache
    if (cache === undefined) return
    const known = this.#keys.get(task)
    this.#keys.delete(task)
    if (result?.status !== 'success' || result.reusedFrom !== undefined || !(result.output instanceof JsonValue)) return
    const { text: output } = result.output
    const { tool: name, toolVersion: version, taskId } = result
    // After a crash an attempt runs again without a decision.
    const key = known ?? this.#keyOf(task, cache, { name, version })
    if (key === undefined) return
    const { store, owner, executionId } = this.#parts
    const keep = async (): Promise<void> =>
      store.remember({ ...(owner !== undefined && { owner }), key: await key }, { executionId, taskId, output })
    keep().catch(error => this.#warn('An output could not be remembered', error))
  }

  #keyOf(
    task: number,
    { key }: CacheWords,
    { name, version }: { readonly name: string; readonly version: string | undefined },
  ): string | Promise<string> | undefined {
    const { table, scopes } = this.#parts
    const template = key ?? table.graph.taskAt(task)?.arguments
    if (template === undefined) return undefined
    try {
      const { value, mayHoldJsonNumbers } = resolveTemplate(template, scopes.of(task))
      return sha256(
        `${this.#headOf(name, version, key !== undefined)}${writeCanonicalJson(value, mayHoldJsonNumbers)}]`,
      )
    } catch {
      // Arguments that cannot be resolved fail the task when it runs.
      return undefined
    }
  }

  /** The text of a key up to its arguments: the same for all tasks of a tool, which often follow each other. */
  #headOf(name: string, version: string | undefined, isKey: boolean): string {
    if (this.#head?.name !== name || this.#head.version !== version || this.#head.isKey !== isKey) {
      const text = JSON.stringify([name, version ?? null, isKey ? 'key' : 'arguments'])
      this.#head = { name, version, isKey, text: `${text.slice(0, -1)},` }
    }
    return this.#head.text
  }

  #recall(
    task: number,
    key: string,
    { ttlMs }: CacheWords,
  ): ReusedOutput | undefined | Promise<ReusedOutput | undefined> {
    const { store, owner } = this.#parts
    // Forgotten at the end of the task.
    const take = (found: RememberedOutput | undefined): ReusedOutput | undefined => {
      const isTaken = found !== undefined && !this.#isOfEarlierRound(task, found)
      if (!isTaken) this.#keys.set(task, key)
      return isTaken ? toReused(found) : undefined
    }
    try {
      const found = store.recall(owner === undefined ? { key } : { owner, key }, ttlMs)
      return found instanceof Promise ? found.then(take) : take(found)
    } catch (error) {
      return this.#warn('A remembered output could not be read', error)
    }
  }

  /** Whether an output is that of an earlier round of the same repetition: it would repeat itself until its rounds are over. */
  #isOfEarlierRound(task: number, { executionId, taskId }: RememberedOutput): boolean {
    if (executionId !== this.#parts.executionId) return false
    const { graph } = this.#parts.table
    for (let at = task, group = graph.groupOf(at); group.parent >= 0; at = group.parent, group = graph.groupOf(at)) {
      if (group.definition?.kind === 'repeat' && taskId.startsWith(`${graph.idOf(group.parent)}[`)) return true
    }
    return false
  }

  #count(answer: ReusedOutput | undefined): ReusedOutput | undefined {
    if (answer === undefined) this.#parts.counters.cacheMissCount += 1
    else this.#parts.counters.cacheHitCount += 1
    return answer
  }

  #warn(message: string, error: unknown): undefined {
    const { logger, executionId } = this.#parts
    logger.warn(message, { executionId, error: describeError(error) })
    return undefined
  }
}

function toReused({ executionId, taskId, output }: RememberedOutput): ReusedOutput {
  return { output: JsonValue.fromText(output), origin: { executionId, taskId } }
}
