import { runAtOnce, runInSlices, type Steps } from '../slices.ts'
import type { CheckedDocument, CheckedTask, NestedWorkflow, TaskWords } from '../workflow/checked-document.ts'
import { ExecutionPlan, type Group, type PlannedTask } from './execution-plan.ts'
import { computeLayers, type Layers } from './graph.ts'
import { computeDependents } from './priorities.ts'

/** Tasks and dependencies of a workflow that is planned in one piece: some 10 ms. */
const MAX_AT_ONCE = 4096

/** Tasks per step. */
const STEP = 512

/**
 * Builds the plan of a workflow. The plan of a large one is built in slices, so that the event loop keeps turning; a small
 * one does not wait for a turn.
 */
export function buildPlan(document: CheckedDocument): ExecutionPlan | Promise<ExecutionPlan> {
  const steps = planSteps(document)
  return measure(document) <= MAX_AT_ONCE ? runAtOnce(steps) : runInSlices(steps)
}

/** The number of tasks and dependencies, with those of the workflows that the tasks hold. */
function measure({ tasks, nested }: CheckedDocument): number {
  let size = tasks.length
  for (const { dependencies } of tasks) size += dependencies.length
  for (const each of nested) size += measure(each)
  return size
}

/** The steps that build a plan, with those of the workflows that its tasks hold: graph, layers, dependents, tasks. Linear. */
export function* planSteps(document: CheckedDocument): Steps<ExecutionPlan> {
  const { tasks, mainCount, usesLanguage } = document
  const dependencies = tasks.map(task => task.dependencies)
  const main = yield* computeLayers(mainCount === tasks.length ? dependencies : dependencies.slice(0, mainCount))
  const layers =
    mainCount === tasks.length ? main : [...main, ...(yield* computeFinallyLayers(dependencies, mainCount))]
  const dependents = yield* computeDependents(dependencies)
  const layerOf = new Int32Array(tasks.length)
  for (let layer = 0; layer < layers.length; layer++) {
    for (const task of layers[layer] as readonly number[]) layerOf[task] = layer
  }
  yield
  const planned: PlannedTask[] = []
  const estimates: number[] = []
  for (let index = 0; index < tasks.length; index++) {
    const task = tasks[index] as CheckedTask
    const { words } = task
    const isRemembered = words !== undefined && holdsCacheAlone(words)
    const call = planCall(task, layerOf[index] as number, isRemembered ? words.cache : undefined)
    const isWhole = (words === undefined || isRemembered) && !call.tool.isPlanner
    planned.push(Object.freeze(isWhole ? call : yield* addWords(call, words ?? NO_WORDS)))
    Object.freeze(task.dependencies)
    estimates.push(task.estimatedMs)
    if (index % STEP === STEP - 1) yield
  }
  for (const reference of document.inputReferences) Object.freeze(reference)
  return new ExecutionPlan({
    name: document.name,
    tasks: planned,
    layers,
    dependencies,
    dependents,
    estimates,
    inputReferences: document.inputReferences,
    mainCount,
    finallyLayer: main.length,
    reads:
      usesLanguage || tasks.some(({ tool }) => tool.isPlanner)
        ? tasks.map(({ reads = [] }) => Object.freeze(reads))
        : undefined,
    finallyTimeoutMs: document.finallyTimeoutMs,
    output: document.output,
    inputCheck: document.inputCheck,
  })
}

/** Plans one task that joins an execution. */
export function planTask(task: CheckedTask, layer: number): PlannedTask {
  const { words } = task
  const isRemembered = words !== undefined && holdsCacheAlone(words)
  const call = planCall(task, layer, isRemembered ? words.cache : undefined)
  for (const reference of task.inputReferences) Object.freeze(reference)
  const isWhole = (words === undefined || isRemembered) && !call.tool.isPlanner
  return Object.freeze(isWhole ? call : runAtOnce(addWords(call, words ?? NO_WORDS)))
}

const NO_WORDS: TaskWords = Object.freeze({})

/** The layers of the tasks of `finally`, which depend on each other only. */
function* computeFinallyLayers(dependencies: readonly (readonly number[])[], mainCount: number): Steps<Layers> {
  const own = dependencies.slice(mainCount).map(list => list.map(task => task - mainCount))
  const layers = yield* computeLayers(own)
  return layers.map(indices => Object.freeze(indices.map(index => index + mainCount)))
}

/** The task without its words. No steps: a generator for each of many tasks would cost more than the task. */
function planCall(
  { id, tool, arguments: template, timeoutMs, retry }: CheckedTask,
  layer: number,
  cache: TaskWords['cache'],
): PlannedTask {
  // Fields are set one by one: objects that are spread are several times as expensive.
  const call: { -readonly [K in keyof PlannedTask]: PlannedTask[K] } = { id, tool, arguments: template, layer }
  if (timeoutMs !== undefined) call.timeoutMs = timeoutMs
  if (retry !== undefined) call.retry = Object.freeze({ ...retry })
  if (cache !== undefined) call.cache = cache
  return call
}

/** Hot path: `cache` is the word that most often stands on each of many tasks. */
function holdsCacheAlone({ runOn, when, optional, approve, forEach, repeat, workflow }: TaskWords): boolean {
  return (runOn ?? when ?? optional ?? approve ?? forEach ?? repeat ?? workflow) === undefined
}

function* addWords(call: PlannedTask, words: TaskWords): Steps<PlannedTask> {
  const { runOn, when, optional, approve, forEach, repeat, workflow, cache } = words
  const group = workflow === undefined ? planGroup(call) : yield* planNested(workflow)
  const isOfItem = forEach !== undefined && when?.usesItem === true
  const own = {
    ...(runOn !== undefined && { runOn }),
    ...(when !== undefined && !isOfItem && { when }),
    ...(optional !== undefined && { optional }),
    ...(approve !== undefined && !approve.isOfItem && { approve }),
  }
  // Of a parent it is that of its items or rounds.
  const inner = { ...(group && { group }), ...(cache && { cache }) }
  if (forEach === undefined && repeat === undefined) return { ...call, ...own, ...inner }
  const { id, tool, arguments: template, layer } = call
  const body: PlannedTask = Object.freeze({
    ...call,
    ...(isOfItem && { when }),
    ...(approve?.isOfItem && { approve }),
    ...inner,
  })
  const children: Group | undefined =
    forEach !== undefined ? { kind: 'forEach', ...forEach, body } : repeat && { kind: 'repeat', ...repeat, body }
  return { id, tool, arguments: template, layer, ...own, ...(children && { group: Object.freeze(children) }) }
}

/** The children of a task whose tool plans them. The time of the task is that of all of them. */
function planGroup({ id, tool, arguments: template, layer, retry }: PlannedTask): Group | undefined {
  if (!tool.isPlanner) return undefined
  const body = Object.freeze({ id, tool, arguments: template, layer, ...(retry && { retry }) })
  return Object.freeze({ kind: 'plan', body })
}

function* planNested(nested: NestedWorkflow): Steps<Group> {
  if (!('known' in nested)) return Object.freeze({ kind: 'workflow', plan: yield* planSteps(nested.document) })
  const { name, known } = nested
  if (!ExecutionPlan.is(known)) throw new TypeError('Expected a registered workflow to be a plan')
  return Object.freeze({ kind: 'workflow', plan: known, name })
}
