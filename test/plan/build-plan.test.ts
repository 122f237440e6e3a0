import { expect, test } from 'vitest'
import { compileWorkflow, type DAGStructure, type ExecutionPlan } from '../../src/index.ts'
import { checkExecution } from '../../src/plan/compile.ts'

const tools = { work: (): number => 1 }

/** Layers of `width` tasks, each with up to three dependencies in the layer before. */
function layered(width: number, layerCount: number): DAGStructure {
  const tasks = Array.from({ length: width * layerCount }, (_, index) => {
    const from = index - width
    const dependsOn = from < 0 ? [] : [...new Set([from - (from % width), from, from - (from % width) + width - 1])]
    return { id: `t${index}`, tool: 'work', dependsOn: dependsOn.map(each => `t${each}`) }
  })
  return { name: 'large', tasks }
}

/** What a plan says of itself. */
const show = ({ layers, dependencies, dependents, priorities, tasks }: ExecutionPlan): unknown => ({
  layers,
  dependencies,
  dependents,
  priorities,
  layerOf: tasks.map(({ layer }) => layer),
})

test('the plan of a workflow of 1,000 tasks waits for no turn of the event loop', () => {
  const plan = checkExecution(layered(50, 20), tools, undefined).plan() as ExecutionPlan
  expect([plan.tasks.length, plan.layers.length]).toEqual([1000, 20])
})

test('the plan of a large workflow is built in slices, and is the one that `compileWorkflow` builds at once', async () => {
  const document = layered(100, 120)
  const planned = checkExecution(document, tools, undefined).plan()
  expect(planned).toBeInstanceOf(Promise)
  let turns = 0
  const turn = (): void => {
    turns += 1
    timer = setImmediate(turn)
  }
  let timer = setImmediate(turn)
  const plan = await planned
  clearImmediate(timer)
  expect(turns).toBeGreaterThan(1)
  expect(show(plan)).toEqual(show(compileWorkflow(document, tools)))
  expect(plan.describe()).toEqual(compileWorkflow(document, tools).describe())
})

test('a large workflow is refused at once, in any order of its tasks', () => {
  const tasks = [...layered(100, 120).tasks]
  tasks[0] = { id: 't0', tool: 'work', dependsOn: ['t11999'] }
  for (const order of [tasks, tasks.toReversed()]) {
    expect(() => checkExecution({ tasks: order }, tools, undefined)).toThrow('no cycle of dependencies')
  }
  expect(() => checkExecution({ tasks: layered(100, 120).tasks.toReversed() }, tools, undefined)).not.toThrow()
})
