import type { CliProcess } from '../process/console.ts'

/**
 * Whether standard error gets colours: `NO_COLOR` decides first, then `FORCE_COLOR`, then the terminal.
 *
 * An empty variable counts as unset. `FORCE_COLOR` turns colours off with `0` or `false`, as Node.js does, and on with anything else.
 */
export function hasColors({ env, stderr }: Pick<CliProcess, 'env' | 'stderr'>): boolean {
  if (env['NO_COLOR']) return false
  const forced = env['FORCE_COLOR']
  if (forced) return !/^(?:0+|false)$/i.test(forced)
  return stderr.isTTY === true && env['TERM'] !== 'dumb'
}
