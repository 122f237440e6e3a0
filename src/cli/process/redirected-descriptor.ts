import { createRequire } from 'node:module'

type AnyFunction = (...args: unknown[]) => unknown

const require = createRequire(import.meta.url)

const STDOUT = 1
const STDERR = 2

/** Functions whose first argument is the descriptor to write to. */
const WRITING = [
  'write',
  'writeSync',
  'writev',
  'writevSync',
  'writeFile',
  'writeFileSync',
  'appendFile',
  'appendFileSync',
]

/** Redirects writes of `node:fs` from the descriptor of standard output to standard error. */
export function redirectFiles(): void {
  const fs = require('node:fs') as Record<string, AnyFunction>
  for (const name of WRITING) {
    wrap(fs, name, (call, [target, ...rest]) => call(target === STDOUT ? STDERR : target, ...rest))
  }
  // A tool's stream over a standard descriptor would close it at its end.
  const isStandard = (target: unknown): boolean => target === STDOUT || target === STDERR
  wrap(fs, 'closeSync', (call, args) => (isStandard(args[0]) ? undefined : call(...args)))
  wrap(fs, 'close', (call, args) => {
    const [target, callback] = args
    if (!isStandard(target)) return call(...args)
    if (typeof callback === 'function') process.nextTick(callback, null)
    return undefined
  })
}

/** Makes child processes inherit standard error in place of standard output. */
export function redirectProcesses(): void {
  const processes = require('node:child_process') as Record<string, AnyFunction>
  // All asynchronous functions call this method.
  wrap(processes['ChildProcess']?.prototype as Record<string, AnyFunction>, 'spawn', (call, args) =>
    call(...args.map(redirectOptions)),
  )
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
    wrap(processes, name, (call, args) => call(...args.map(redirectOptions)))
  }
}

function redirectOptions(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return options
  const { stdio } = options as { readonly stdio?: unknown }
  if (stdio === 'inherit') return { ...options, stdio: ['inherit', STDERR, 'inherit'] }
  if (!Array.isArray(stdio)) return options
  return { ...options, stdio: stdio.map(redirectTarget) }
}

function redirectTarget(target: unknown, index: number): unknown {
  if (target === STDOUT || (target === 'inherit' && index === STDOUT)) return STDERR
  // A stream over a descriptor has `fd`; other streams have none, and an unopened one has `null`.
  const fd = typeof target === 'object' && target !== null ? (target as { readonly fd?: unknown }).fd : undefined
  return fd === STDOUT || fd === STDERR ? STDERR : target
}

/** Replaces a function and keeps its other properties. */
function wrap(
  owner: Record<string, AnyFunction>,
  name: string,
  around: (call: AnyFunction, args: unknown[]) => unknown,
): void {
  const original = owner[name]
  if (original === undefined) return
  owner[name] = new Proxy(original, {
    apply: (target, self, args: unknown[]) => around((...given) => Reflect.apply(target, self, given), args),
  })
}
