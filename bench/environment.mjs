import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'

/** Where and of what figures were taken; a figure without these means nothing. */
export function readEnvironment() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    commit: readCommit(),
  }
}

/** @param {ReturnType<typeof readEnvironment>} environment */
export function formatEnvironment({ cpu, cores, node, commit }) {
  return `${cpu}, ${cores} cores · Node ${node} · commit ${commit}`
}

/** With `+` where the checkout has changes of its own. */
function readCommit() {
  try {
    return runGit('rev-parse', '--short', 'HEAD') + (runGit('status', '--porcelain') === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}

function runGit(...args) {
  return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim()
}
