import { type AttemptOutcome, createFailure } from '../../attempt/attempt-outcome.ts'
import { readInputError } from '../../attempt/tool-error.ts'
import type { TaskCode } from '../../events/events.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { ExecutionPlan, PlannedTask, Repetition } from '../../plan/execution-plan.ts'
import type { TaskGraph } from '../../scheduler/task-graph.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import { LIMITS } from '../../workflow/document.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import type { Abortion } from '../task-events.ts'
import type { Scopes } from './scopes.ts'

/** How a parent ends, like an attempt. `why` it was stopped, if it was. */
export type ParentOutcome = AttemptOutcome & { readonly why?: Abortion }

/** Maximum number of failed items that a message names. */
const MAX_NAMED = 3

/** Computes the outcome of a parent whose children have all settled. */
export class ParentOutcomes {
  readonly #graph: TaskGraph
  readonly #state: ExecutionState
  readonly #scopes: Scopes

  constructor(graph: TaskGraph, state: ExecutionState, scopes: Scopes) {
    this.#graph = graph
    this.#state = state
    this.#scopes = scopes
  }

  /** @param isExhausted whether a repetition made all of its rounds and `until` was not true */
  of(group: TaskGroup, isExhausted = false): ParentOutcome {
    const { definition, failure, stop, failedCount, toleratedCount } = group
    if (failure !== undefined) return createFailure(failure.code, failure.message)
    // Interrupted together with its children, whose ends are not failures of their own.
    const cutOff = this.#graph.stopOf(group.parent)
    if (cutOff?.code !== undefined) return { status: 'cancelled', why: cutOff }
    if (definition?.kind === 'forEach') {
      if (failedCount > toleratedCount) return this.#itemsFailed(group)
    } else if (failedCount > 0) return this.#childFailed(group)
    if (stop?.code !== undefined) return createFailure(stop.code, stop.message)
    if (stop !== undefined) return { status: 'cancelled', why: stop }
    switch (definition?.kind) {
      case 'forEach':
        return this.#collect(group)
      case 'repeat':
        return this.#lastRound(group, definition, isExhausted)
      case 'plan':
        return this.#collectPlanned(group)
      default:
        return this.#outputOf(group, group.plan as ExecutionPlan)
    }
  }

  #itemsFailed(group: TaskGroup): ParentOutcome {
    const { children, itemCount, toleratedCount } = group
    const results = children.map(child => this.#resultOf(child))
    // More than the group counted, if some failed in the same round as the one that was too many.
    const failed = results.flatMap((result, index) => (result?.status === 'error' ? [{ index, ...result }] : []))
    const named = failed.slice(0, MAX_NAMED).map(({ index, error, code }) => `${index} (${code}: ${error})`)
    const more = failed.length > named.length ? ` and ${failed.length - named.length} more` : ''
    const message = `${failed.length} of ${itemCount} items failed, at most ${toleratedCount} may: ${named.join(', ')}${more}`
    return createFailure('ITEMS_FAILED', message)
  }

  #childFailed({ firstFailed, definition, children }: TaskGroup): ParentOutcome {
    const planner = definition?.kind === 'plan' ? this.#resultOf(children[0] as number) : undefined
    if (planner?.status === 'error') return createFailure(planner.code as TaskCode, planner.error as string)
    const { error, code } = this.#resultOf(firstFailed as number) ?? {}
    const id = this.#graph.idOf(firstFailed as number)
    return createFailure('CHILD_FAILED', `Task \`${id}\` failed (${code}): ${error}`)
  }

  /** The outputs of the items in their order, null where one failed within tolerance or was skipped. */
  #collect({ children, itemCount }: TaskGroup): ParentOutcome {
    const outputs: string[] = []
    let size = 2
    for (let index = 0; index < itemCount; index++) {
      const result = this.#resultOf(children[index] as number)
      const output = result?.status === 'success' ? (result.output as JsonValue) : JsonValue.null
      size += output.weight + 1
      if (size > LIMITS.maxOutputBytes) return tooLarge(size)
      outputs.push(output.text)
    }
    return { status: 'success', output: JsonValue.fromText(`[${outputs.join(',')}]`) }
  }

  /** The outputs of the planned tasks by their ids in the plan, null where one was skipped or failed tolerably. */
  #collectPlanned(group: TaskGroup): ParentOutcome {
    const outputs = group.children.slice(1).map((child, at): [string, JsonValue | undefined] => {
      return [this.#graph.idOf(child).slice(group.prefix.length), this.#scopes.outputOf(group, at + 1)]
    })
    return joinOutputs(outputs)
  }

  #lastRound(group: TaskGroup, { until, onExhausted, maxTimes }: Repetition, isExhausted: boolean): ParentOutcome {
    if (isExhausted && until !== undefined && onExhausted === 'fail') {
      const message = `\`until\` was not true after ${maxTimes} rounds: \`${until.source}\``
      return createFailure('REPEAT_EXHAUSTED', message)
    }
    return { status: 'success', output: this.#scopes.outputOf(group, group.children.length - 1) ?? JsonValue.null }
  }

  /** The value of the workflow's `output`, or the outputs of its last layer by id. */
  #outputOf(group: TaskGroup, plan: ExecutionPlan): ParentOutcome {
    const scope = this.#scopes.ofGroup(group)
    if (plan.output !== undefined) {
      try {
        return { status: 'success', output: JsonValue.from(resolveTemplate(plan.output, scope).value) }
      } catch (error) {
        return readInputError(error)
      }
    }
    const last = plan.layerIndices[plan.finallyLayer - 1] ?? []
    return joinOutputs(
      last.map(task => {
        const { id } = plan.tasks[task] as PlannedTask
        return [id, scope.output(id)]
      }),
    )
  }

  #resultOf(task: number): AnyResult | undefined {
    return this.#state.tasks.get(this.#graph.idOf(task))?.result
  }
}

type AnyResult = NonNullable<NonNullable<ReturnType<ExecutionState['tasks']['get']>>['result']>

/** An object of outputs by id. */
function joinOutputs(outputs: readonly (readonly [id: string, output: JsonValue | undefined])[]): ParentOutcome {
  const members: string[] = []
  let size = 2
  for (const [id, output = JsonValue.null] of outputs) {
    size += output.weight + id.length + 4
    if (size > LIMITS.maxOutputBytes) return tooLarge(size)
    members.push(`${JSON.stringify(id)}:${output.text}`)
  }
  return { status: 'success', output: JsonValue.fromText(`{${members.join(',')}}`) }
}

function tooLarge(bytes: number): ParentOutcome {
  const expected = `Expected an output of at most ${LIMITS.maxOutputBytes} bytes of JSON`
  return createFailure('OUTPUT_TOO_LARGE', `${expected}, got at least ${bytes}`)
}
