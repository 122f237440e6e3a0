import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// The built program, as a shell runs it. `npm test` builds it first.
export const root: string = fileURLToPath(new URL('../..', import.meta.url))
// `DAGSTREAM_DIST` names another build of it.
const main = join(process.env['DAGSTREAM_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url)), 'cli/main.js')

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** @throws Error where the program has not been built */
export function expectBuild(): void {
  if (!existsSync(main)) throw new Error(`There is no ${main}: run \`npm run build\` first`)
}

/** Starts the program, in the root of the repository unless told otherwise. */
export function start(
  argv: readonly string[],
  stdin = '',
  env: Record<string, string> = {},
  cwd: string = root,
): ChildProcess {
  const child = spawn(process.execPath, [main, ...argv], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } })
  child.stdin?.end(stdin)
  return child
}

/** Pastes a line into a shell, in the root of the repository. */
export function paste(line: string, env: Record<string, string> = {}): ChildProcess {
  return spawn('sh', ['-c', line], { cwd: root, env: { ...process.env, NO_COLOR: '1', ...env } })
}

export async function end(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number]
  return { code, stdout, stderr }
}

export function run(argv: readonly string[], stdin?: string): Promise<Ended> {
  return end(start(argv, stdin))
}
