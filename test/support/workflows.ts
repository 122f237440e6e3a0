import type { DAGStructure, DAGTask } from '../../src/index.ts'

/** A task of the tool `work`. */
export function task(id: string, dependsOn: readonly string[] = [], rest: Partial<DAGTask> = {}): DAGTask {
  return { id, tool: 'work', ...(dependsOn.length > 0 && { dependsOn }), ...rest }
}

/** A workflow of tasks in the order given; a string is a task that depends on nothing. */
export function workflow(...tasks: readonly (string | DAGTask)[]): DAGStructure {
  return { tasks: tasks.map(each => (typeof each === 'string' ? task(each) : each)) }
}

/** `first`, then `middle` side by side, then `last`. */
export function diamond(first: string, middle: readonly string[], last: string): DAGStructure {
  return workflow(first, ...middle.map(id => task(id, [first])), task(last, middle))
}

/** `t0` to `t<length - 1>`, each depending on the one before. */
export function chain(length: number): DAGStructure {
  return workflow(...Array.from({ length }, (_, index) => task(`t${index}`, index === 0 ? [] : [`t${index - 1}`])))
}

/** `t0` to `t<width - 1>`, none depending on another. */
export function fan(width: number, rest: Partial<DAGTask> = {}): DAGStructure {
  return workflow(...Array.from({ length: width }, (_, index) => task(`t${index}`, [], rest)))
}
