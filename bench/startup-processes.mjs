import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { computeMedian } from './statistics.mjs'

const ROUNDS = 15

const root = new URL('../', import.meta.url)
const dist = process.env.DAGSTREAM_DIST ?? fileURLToPath(new URL('dist', root))

const COMMANDS = {
  bare: ['-e', '0'],
  import: ['--input-type=module', '-e', `await import(${JSON.stringify(`${dist}/index.js`)})`],
  run: [`${dist}/cli/main.js`, 'run', 'fixtures/hello.json', '--json'],
}

/**
 * Processes one after the other in turn, each beside the bare one of its round. The work of a command, subtracted from its time on
 * the clock, is the time that its execution reports; its CPU time is taken as it is.
 * @returns {Record<string, number>}
 */
export function measureStartup() {
  const samples = {}
  const keep = (name, value) => (samples[name] ??= []).push(value)
  for (let round = 0; round < ROUNDS; round++) {
    const bare = measure(COMMANDS.bare)
    for (const [name, command] of Object.entries(COMMANDS)) {
      const { wallMs, cpuMs } = name === 'bare' ? bare : measure(command)
      keep(`${name}WallMs`, wallMs)
      keep(`${name}CpuMs`, cpuMs)
      keep(`${name}WallFactor`, wallMs / bare.wallMs)
      keep(`${name}CpuFactor`, cpuMs / bare.cpuMs)
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, computeMedian(values)]))
}

/** Node does not report the CPU time of an ended child; `time` of bash does. */
function measure(command) {
  const script = 'TIMEFORMAT="%U %S"; time "$@"'
  const startedAt = performance.now()
  const child = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...command], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
  })
  const ms = performance.now() - startedAt
  if (child.status !== 0) throw new Error(`Expected \`node ${command.join(' ')}\` to succeed: ${child.stderr}`)
  const [user, system] = child.stderr.trim().split('\n').at(-1).split(' ').map(Number)
  const workMs = child.stdout === '' ? 0 : JSON.parse(child.stdout).executionTimeMs
  return { wallMs: ms - workMs, cpuMs: (user + system) * 1000 }
}
