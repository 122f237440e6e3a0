import { PGraph } from 'p-graph'
import { readHeap } from './heap-size.mjs'
import { compileWorkflow, StreamingExecutor, ToolRegistry } from './library.mjs'
import { createShape, toNoopWorkflow } from './shapes.mjs'

const noop = async () => {}

/** Keeps objects alive while their memory is measured. */
const held = []

/**
 * Memory that stays in the heap per task, bytes, beyond the document (tasks that do nothing have no output): a plan; a
 * finished execution whose `Execution` and result are still held; a constructed p-graph. Needs `--expose-gc`.
 *
 * @param {{ shape: string, taskCount: number, seed: number }} workload
 */
export async function measureHeap({ shape, taskCount, seed }) {
  const tools = ToolRegistry.from({ noop })
  const executor = new StreamingExecutor(tools)
  // Code that is compiled on first use is not the workload's.
  await runToEnd(executor, compileWorkflow(toNoopWorkflow(createShape(shape, 100, seed)), tools))

  const workflow = toNoopWorkflow(createShape(shape, taskCount, seed))
  held.push(workflow)
  const atDocument = await readHeap()
  const plan = compileWorkflow(workflow, tools)
  held.push(plan)
  const atPlan = await readHeap()
  held.push(await runToEnd(executor, plan))
  const atEnd = await readHeap()

  const nodes = new Map(workflow.tasks.map(({ id }) => [id, { run: noop }]))
  const edges = workflow.tasks.flatMap(({ id, dependsOn }) => dependsOn.map(dependency => [dependency, id]))
  held.push(nodes, edges)
  const beforePeer = await readHeap()
  held.push(new PGraph(nodes, edges))
  const atPeer = await readHeap()
  return {
    planBytes: (atPlan - atDocument) / taskCount,
    executionBytes: (atEnd - atPlan) / taskCount,
    totalBytes: (atEnd - atDocument) / taskCount,
    pGraphBytes: (atPeer - beforePeer) / taskCount,
  }
}

async function runToEnd(executor, plan) {
  const execution = executor.stream(plan)
  for await (const event of execution) if (event.type === 'error') throw new Error(event.data.error)
  return { execution, result: await execution.result }
}
