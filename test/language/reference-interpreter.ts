import type { DAGStructure, RepeatPolicy } from '../../src/index.ts'
import { type ConditionScope, findNamedTasks, namesItem } from './condition.ts'
import { computeStatus, type Ending, isFailure, type Outcome } from './outcome.ts'
import { fitsSchema, makeItems, readTolerance } from './reference-items.ts'
import { callTool, decide, fail, findError, findKind, guard, nameTool, skip } from './reference-rules.ts'
import {
  findReads,
  type Json,
  ReferenceNotFound,
  resolve,
  type Root,
  type Roots,
  Undetermined,
} from './reference-template.ts'
import type { Surroundings, Task } from './surroundings.ts'

/** How an execution ends, whatever the schedule and the number of slots. */
export interface Interpretation {
  /** The tasks of the document, then its `finally` tasks. */
  readonly tasks: readonly Outcome[]
  readonly status: 'success' | 'partial' | 'error'
  /** Absent if the document declares none, or if it cannot be resolved. */
  readonly output?: Json
}

/**
 * What the contract of the language says of an execution that continues after failures and that nobody stops: no fail-fast,
 * no cancel, no timeout, no budget. Written from the contract alone: recursive, slow, without a scheduler.
 *
 * Read into the contract where it is silent: a sub-workflow whose `finally` task fails is `partial`, which is not a success,
 * so its task fails with `CHILD_FAILED`; an `output` that cannot be resolved turns `success` into `partial`, and fails the
 * task of a sub-workflow with `REFERENCE_NOT_FOUND`; `output` and `finally` read the default of a tolerated failure, too;
 * the status so far, which `finally` reads, is that before `finally` began, because its tasks settle in any order.
 * @throws Undetermined where the contract leaves the outcome open
 */
export function interpret(document: DAGStructure, surroundings: Surroundings): Interpretation {
  const workflow = new WorkflowRun(document, surroundings.input, '', surroundings)
  const { tasks, status } = workflow.run()
  if (document.output === undefined) return { tasks, status }
  const output = workflow.readOutput()
  if (output === undefined) return { tasks, status: status === 'success' ? 'partial' : status }
  return { tasks, status, output: output.value }
}

/** As `interpret`; `undefined` where the contract leaves the outcome open. */
export function interpretIfSaid(document: DAGStructure, surroundings: Surroundings): Interpretation | undefined {
  try {
    return interpret(document, surroundings)
  } catch (error) {
    if (error instanceof Undetermined) return undefined
    throw error
  }
}

/** What only items and rounds can read. */
type Local = Pick<Roots, 'item' | 'index' | 'previous'>

class WorkflowRun {
  readonly #document: DAGStructure
  readonly #input: Json | undefined
  /** Precedes the ids of its tasks. */
  readonly #prefix: string
  readonly #surroundings: Surroundings
  readonly #settled = new Map<string, Outcome>()
  /** Known once all but the `finally` tasks have settled. */
  #soFar: string | undefined

  constructor(document: DAGStructure, input: Json | undefined, prefix: string, surroundings: Surroundings) {
    this.#document = document
    this.#input = input
    this.#prefix = prefix
    this.#surroundings = surroundings
  }

  run(): Pick<Interpretation, 'tasks' | 'status'> {
    const { tasks, finally: ending = [] } = this.#document
    const main = tasks.map(task => this.#settle(task, tasks, 0))
    const soFar = computeStatus(main)
    this.#soFar = soFar
    const firstLayer = Math.max(...main.map(({ layer }) => layer)) + 1
    const last = ending.map(task => this.#settle(task, ending, firstLayer))
    const status = soFar === 'success' && last.some(isFailure) ? 'partial' : soFar
    return { tasks: [...main, ...last], status }
  }

  /** The output that the document declares, else the outputs of its last layer by id; `undefined` if a path is missing. */
  readOutput(): { readonly value: Json } | undefined {
    const { tasks, output } = this.#document
    const main = tasks.map(({ id }) => this.#outcome(id))
    const lastLayer = Math.max(...main.map(({ layer }) => layer))
    const ids = tasks.filter((_, at) => main[at]?.layer === lastLayer).map(({ id }) => id)
    const template = output ?? Object.fromEntries(ids.map(id => [id, `$OUTPUT[${id}]`]))
    try {
      return { value: resolve(template, { input: this.#input, output: id => this.#read(id) }) }
    } catch (error) {
      if (error instanceof ReferenceNotFound) return undefined
      throw error
    }
  }

  /** The outcome of a task, after those of its dependencies. References of `finally` tasks to others are no dependencies. */
  #settle(task: Task, siblings: readonly Task[], firstLayer: number): Outcome {
    const known = this.#settled.get(task.id)
    if (known !== undefined) return known
    const { arguments: args, forEach, when = '', optional, concurrency } = task
    const reads = [...findReads({ args, forEach }), ...findNamedTasks(when)]
    const named = new Set([...(task.dependsOn ?? []), ...reads])
    const dependencies = siblings
      .filter(({ id }) => named.has(id))
      .map(each => this.#settle(each, siblings, firstLayer))
    const readOnes = dependencies.filter(({ taskId }) => reads.includes(taskId.slice(this.#prefix.length)))
    const ending = decide(task, dependencies, readOnes) ?? this.#run(task)
    const outcome: Outcome = {
      children: [],
      ...ending,
      taskId: this.#prefix + task.id,
      kind: findKind(task),
      tool: nameTool(task),
      dependsOn: dependencies.map(({ taskId }) => taskId),
      layer: Math.max(firstLayer, ...dependencies.map(({ layer }) => layer + 1)),
      isFinally: this.#soFar !== undefined,
      ...(optional && ending.status === 'error' && { substitute: (task.default ?? null) as Json }),
      ...(concurrency !== undefined && { concurrency }),
    }
    this.#settled.set(task.id, outcome)
    return outcome
  }

  #run(task: Task): Ending {
    const { forEach, repeat, when } = task
    const isPerItem = forEach !== undefined && when !== undefined && namesItem(when)
    return guard(() => {
      if (when !== undefined && !isPerItem && !this.#holds(when, {})) return skip('CONDITION_FALSE')
      const id = this.#prefix + task.id
      if (forEach !== undefined) return this.#fanOut(task, id, isPerItem ? when : undefined)
      return repeat === undefined ? this.#call(task, id, {}) : this.#repeat(task, repeat, id)
    })
  }

  #fanOut(task: Task, id: string, when: string | undefined): Ending {
    const items = makeItems(resolve(task.forEach, this.#roots(task, {})), typeof task.forEach !== 'string')
    if (items === undefined) return fail('INVALID_ITEMS')
    const children = items.map((item, index) =>
      this.#child(task, `${id}[${index}]`, () => {
        if (when !== undefined && !this.#holds(when, { item, index })) return skip('CONDITION_FALSE')
        return this.#call(task, `${id}[${index}]`, { item, index })
      }),
    )
    const allowed = readTolerance(task.tolerate, items.length)
    const failures = children.filter(({ status }) => status === 'error')
    if (failures.length > allowed) return { ...fail('ITEMS_FAILED'), children, exceeded: allowed }
    return { status: 'success', output: children.map(({ output }) => output ?? null), children }
  }

  #repeat(task: Task, { until, maxTimes, onExhausted = 'fail' }: RepeatPolicy, id: string): Ending {
    const children: Outcome[] = []
    let previous: Root = { value: null, path: 'null' }
    for (let index = 0; index < maxTimes; index++) {
      const round = this.#child(task, `${id}[${index}]`, () => this.#call(task, `${id}[${index}]`, { index, previous }))
      children.push(round)
      if (round.status !== 'success') return { ...fail('CHILD_FAILED'), children }
      const result = round.output as Json
      const check = guard(() =>
        until !== undefined && this.#holds(until, { index, result }) ? { status: 'success' } : skip('ANOTHER_ROUND'),
      )
      if (check.status === 'error') return { ...check, children }
      if (check.status === 'success') return { status: 'success', output: result, children }
      previous = { value: result, path: 'strict' }
    }
    if (until !== undefined && onExhausted === 'fail') return { ...fail('REPEAT_EXHAUSTED'), children }
    return { status: 'success', output: previous.value, children }
  }

  /** An item or a round: a task of its own. */
  #child(task: Task, taskId: string, run: () => Ending): Outcome {
    const kind = task.workflow === undefined ? 'tool' : 'workflow'
    return {
      children: [],
      ...guard(run),
      taskId,
      kind,
      tool: nameTool(task),
      dependsOn: [],
      layer: 0,
      isFinally: false,
    }
  }

  /** One call of a tool or of a sub-workflow. @throws ReferenceNotFound */
  #call(task: Task, taskId: string, local: Local): Ending {
    const args = resolve(task.arguments ?? {}, this.#roots(task, local))
    const { workflow } = task
    if (workflow === undefined) return callTool(task, taskId, args, this.#surroundings.behave)
    const document = typeof workflow === 'string' ? this.#surroundings.workflows?.[workflow] : workflow
    if (document === undefined) throw new Error(`Unknown workflow ${JSON.stringify(workflow)}`)
    if (!fitsSchema(document.inputSchema, args)) return fail('INVALID_INPUT')
    const run = new WorkflowRun(document, args, `${taskId}/`, this.#surroundings)
    const { tasks: children, status } = run.run()
    if (status !== 'success') return { ...fail('CHILD_FAILED'), children }
    const output = run.readOutput()
    if (output === undefined) return { ...fail('REFERENCE_NOT_FOUND'), children }
    return { status: 'success', output: output.value, children }
  }

  /** @throws ConditionFailure */
  #holds(cel: string, local: Pick<ConditionScope, 'item' | 'index' | 'result'>): boolean {
    const condition = this.#surroundings.conditions?.get(cel)
    if (condition === undefined) throw new Error(`Unknown condition ${cel}`)
    return condition.holds({
      input: this.#input,
      output: id => this.#read(id).value,
      status: id => this.#outcome(id).status,
      error: id => findError(this.#outcome(id)),
      ...(this.#soFar !== undefined && { executionStatus: this.#soFar }),
      ...local,
    })
  }

  #roots(task: Task, local: Local): Roots {
    const seesEndings = this.#soFar !== undefined || (task.runOn ?? 'success') !== 'success'
    return {
      input: this.#input,
      output: id => this.#read(id),
      ...(seesEndings && {
        status: (id: string) => this.#outcome(id).status,
        error: (id: string): Root => {
          const error = findError(this.#outcome(id))
          return { value: error, path: error === null ? 'open' : 'strict' }
        },
      }),
      ...(this.#soFar !== undefined && { soFar: this.#soFar }),
      ...local,
    }
  }

  #read(id: string): Root {
    const { status, code, output, substitute } = this.#outcome(id)
    if (status === 'success') return { value: output as Json, path: 'strict' }
    if (substitute !== undefined) return { value: substitute, path: 'strict' }
    if (code === 'REPEAT_EXHAUSTED') throw new Undetermined('Whether the last output that is kept can be read')
    return { value: null, path: 'open' }
  }

  #outcome(id: string): Outcome {
    const outcome = this.#settled.get(id)
    if (outcome === undefined) throw new Error(`Unknown task ${id}`)
    return outcome
  }
}
