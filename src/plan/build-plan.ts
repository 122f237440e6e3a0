import { runAtOnce, runInSlices, type Steps } from '../slices.ts'
import type { CheckedTask, InputReference } from '../workflow/check-task.ts'
import type { CheckedWorkflow } from './check-workflow.ts'
import { ExecutionPlan, type PlannedTask } from './execution-plan.ts'
import { computeLayers } from './graph.ts'
import { computeDependents } from './priorities.ts'

/** Tasks and dependencies of a workflow that is planned in one piece: some 10 ms. */
const MAX_AT_ONCE = 4096

/** Tasks per step. */
const STEP = 512

/**
 * Builds the plan of a workflow. The plan of a large one is built in slices, so that the event loop goes on turning;
 * a small one does not wait for a turn.
 */
export function buildPlan(workflow: CheckedWorkflow): ExecutionPlan | Promise<ExecutionPlan> {
  let size = workflow.tasks.length
  for (const { dependencies } of workflow.tasks) size += dependencies.length
  const steps = planSteps(workflow)
  return size <= MAX_AT_ONCE ? runAtOnce(steps) : runInSlices(steps)
}

/** The steps that build a plan: graph, layers, dependents, tasks. Linear. */
export function* planSteps({ name, tasks }: CheckedWorkflow): Steps<ExecutionPlan> {
  const dependencies = tasks.map(task => task.dependencies)
  const layers = yield* computeLayers(dependencies)
  const dependents = yield* computeDependents(dependencies)
  const layerOf = new Int32Array(tasks.length)
  for (let layer = 0; layer < layers.length; layer++) {
    for (const task of layers[layer] as readonly number[]) layerOf[task] = layer
  }
  yield
  const planned: PlannedTask[] = []
  const estimates: number[] = []
  const inputReferences: InputReference[] = []
  for (let index = 0; index < tasks.length; index++) {
    const task = tasks[index] as CheckedTask
    planned.push(planTask(task, layerOf[index] as number))
    Object.freeze(task.dependencies)
    estimates.push(task.estimatedMs)
    for (const reference of task.inputReferences) inputReferences.push(Object.freeze(reference))
    if (index % STEP === STEP - 1) yield
  }
  return new ExecutionPlan({ name, tasks: planned, layers, dependencies, dependents, estimates, inputReferences })
}

function planTask({ id, tool, arguments: template, timeoutMs, retry }: CheckedTask, layer: number): PlannedTask {
  return Object.freeze({
    id,
    tool,
    arguments: template,
    layer,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry: Object.freeze({ ...retry }) }),
  })
}
