import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { parseInputId } from '../../events/inputs.ts'
import type { Lease } from '../../log/event-log.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'

/** The secret answers of an execution: in memory, and in its store if that keeps them. Each is removed when its task ends. */
export class SecretAnswers {
  readonly #store: ExecutionStore | undefined
  readonly #lease: Lease
  readonly #logger: Logger
  readonly #values: Map<string, JsonValue>

  constructor(
    store: ExecutionStore | undefined,
    lease: Lease,
    logger: Logger,
    values: Iterable<readonly [inputId: string, value: JsonValue]> = [],
  ) {
    this.#store = store
    this.#lease = lease
    this.#logger = logger
    this.#values = new Map(values)
  }

  get(inputId: string): JsonValue | undefined {
    return this.#values.get(inputId)
  }

  /** Settles once the store has it; rejects with what the store throws. */
  async put(inputId: string, value: JsonValue): Promise<void> {
    await this.#store?.secrets?.put(this.#lease, inputId, value.text)
    this.#values.set(inputId, value)
  }

  /** A task has ended. */
  ended(taskId: string): void {
    let hasChanged = false
    for (const inputId of this.#values.keys()) {
      if (parseInputId(inputId)?.taskId === taskId) hasChanged = this.#values.delete(inputId) || hasChanged
    }
    if (hasChanged) this.#keep()
  }

  /** An answer that came to nothing. */
  remove(inputId: string): void {
    if (this.#values.delete(inputId)) this.#keep()
  }

  #keep(): void {
    const { secrets } = this.#store ?? {}
    if (secrets === undefined) return
    void (async () => secrets.keep(this.#lease, [...this.#values.keys()]))().catch((error: unknown) => {
      const { executionId } = this.#lease
      this.#logger.warn('Secret answers of an ended task could not be removed', {
        executionId,
        error: describeError(error),
      })
    })
  }
}

/** Reads the secret answers that unsettled tasks were given, and removes all others. */
export async function restoreSecrets(
  store: ExecutionStore,
  lease: Lease,
  { inputs, executionId }: ExecutionState,
): Promise<ReadonlyMap<string, JsonValue>> {
  const values = new Map<string, JsonValue>()
  const { secrets } = store
  if (secrets === undefined || inputs === undefined) return values
  for (const of of inputs.values()) {
    for (const { inputId, secret, outcome } of of) {
      if (secret !== true || outcome !== 'answered') continue
      const json = await secrets.get(executionId, inputId)
      if (json !== undefined) values.set(inputId, JsonValue.fromText(json))
    }
  }
  await secrets.keep(lease, [...values.keys()])
  return values
}
