import { Readable } from 'node:stream'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess } from './fake-process.ts'

/** What a command came to. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line in this process. */
export function runFake(...argv: readonly string[]): Promise<Ended> {
  return run(new FakeProcess(...argv))
}

/** The same with a standard input. */
export function runWithInput(text: string, ...argv: readonly string[]): Promise<Ended> {
  const process = new FakeProcess(...argv)
  process.stdin = Readable.from([text])
  return run(process)
}

/** The same with a browser, which is given the address. */
export async function runWithBrowser(open: (url: string) => boolean, ...argv: readonly string[]): Promise<Ended> {
  return run(Object.assign(new FakeProcess(...argv), { openUrl: async (url: string) => open(url) }))
}

async function run(process: FakeProcess): Promise<Ended> {
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}
