import type { CheckedDocument, CheckedTask, NestedWorkflow, TaskWords } from '../workflow/checked-document.ts'
import { ExecutionPlan, type Group, type PlannedTask } from './execution-plan.ts'
import { computeLayers, type Layers } from './graph.ts'
import { computeDependents } from './priorities.ts'

/** Builds the plan of a workflow, with those of the workflows that its tasks hold. Linear. */
export function buildPlan(document: CheckedDocument): ExecutionPlan {
  const { tasks, mainCount, usesLanguage } = document
  const dependencies = tasks.map(task => task.dependencies)
  const main = layer(mainCount === tasks.length ? dependencies : dependencies.slice(0, mainCount))
  const layers = mainCount === tasks.length ? main : [...main, ...computeFinallyLayers(dependencies, mainCount)]
  const layerOf = new Int32Array(tasks.length)
  for (const [layer, indices] of layers.entries()) for (const task of indices) layerOf[task] = layer
  return new ExecutionPlan({
    name: document.name,
    tasks: tasks.map((task, index) => planTask(task, layerOf[index] as number)),
    layers,
    dependencies: dependencies.map(list => Object.freeze(list)),
    dependents: computeDependents(dependencies),
    estimates: tasks.map(task => task.estimatedMs),
    inputReferences: document.inputReferences.map(reference => Object.freeze(reference)),
    mainCount,
    finallyLayer: main.length,
    reads: usesLanguage ? tasks.map(({ reads = [] }) => Object.freeze(reads)) : undefined,
    finallyTimeoutMs: document.finallyTimeoutMs,
    output: document.output,
    inputCheck: document.inputCheck,
  })
}

/** The layers of the tasks of `finally`, which depend on each other only. */
function computeFinallyLayers(dependencies: readonly (readonly number[])[], mainCount: number): Layers {
  const own = dependencies.slice(mainCount).map(list => list.map(task => task - mainCount))
  return layer(own).map(indices => Object.freeze(indices.map(index => index + mainCount)))
}

/** The checks have found no cycle. */
function layer(dependencies: readonly (readonly number[])[]): Layers {
  return computeLayers(dependencies) ?? []
}

function planTask(task: CheckedTask, layer: number): PlannedTask {
  const { id, tool, arguments: template, timeoutMs, retry } = task
  const call = {
    id,
    tool,
    arguments: template,
    layer,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry: Object.freeze({ ...retry }) }),
  }
  return Object.freeze(task.words === undefined ? call : addWords(call, task.words))
}

function addWords(call: PlannedTask, words: TaskWords): PlannedTask {
  const { runOn, when, optional, forEach, repeat, workflow } = words
  const group = workflow && planNested(workflow)
  const isOfItem = forEach !== undefined && when?.usesItem === true
  const own = {
    ...(runOn !== undefined && { runOn }),
    ...(when !== undefined && !isOfItem && { when }),
    ...(optional !== undefined && { optional }),
  }
  const inner = group === undefined ? {} : { group }
  if (forEach === undefined && repeat === undefined) return { ...call, ...own, ...inner }
  const { id, tool, arguments: template, layer } = call
  const body: PlannedTask = Object.freeze({ ...call, ...(isOfItem && { when }), ...inner })
  const children: Group | undefined =
    forEach !== undefined ? { kind: 'forEach', ...forEach, body } : repeat && { kind: 'repeat', ...repeat, body }
  return { id, tool, arguments: template, layer, ...own, ...(children && { group: Object.freeze(children) }) }
}

function planNested(nested: NestedWorkflow): Group {
  if (!('known' in nested)) return Object.freeze({ kind: 'workflow', plan: buildPlan(nested.document) })
  const { name, known } = nested
  if (!ExecutionPlan.is(known)) throw new TypeError('Expected a registered workflow to be a plan')
  return Object.freeze({ kind: 'workflow', plan: known, name })
}
