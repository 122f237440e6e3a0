import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** @typedef {{ name: string, tasks: import('./shapes.mjs').WorkloadTask[] }} Workload */

/**
 * The workloads of a trace file: one of `{name?, tasks: [{id, runtimeSeconds, dependsOn}]}`, or those of
 * `{dags: [{id, tasks: [{id, durationMs, dependsOn}]}]}`.
 * @param {string} path
 * @returns {Workload[]}
 * @throws {Error} for a file that is neither, naming it
 */
export function readTraces(path) {
  const file = JSON.parse(readFileSync(path, 'utf8'))
  const fileName = basename(path, '.json')
  if (Array.isArray(file.dags)) {
    return file.dags.map(({ id, tasks }) => ({ name: String(id ?? fileName), tasks: readTasks(tasks, path) }))
  }
  return [{ name: fileName, tasks: readTasks(file.tasks, path) }]
}

function readTasks(tasks, path) {
  if (!Array.isArray(tasks)) throw new Error(`Expected \`${basename(path)}\` to have \`tasks\` or \`dags\``)
  return tasks.map(({ id, runtimeSeconds, durationMs = runtimeSeconds * 1000, dependsOn = [] }) => {
    if (Number.isFinite(durationMs) && durationMs >= 0) return { id, durationMs, dependsOn: [...new Set(dependsOn)] }
    throw new Error(`Expected task \`${id}\` of \`${basename(path)}\` to have \`runtimeSeconds\` or \`durationMs\``)
  })
}
