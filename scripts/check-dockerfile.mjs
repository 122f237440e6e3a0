// Runs the commands of the Dockerfile without Docker: in a temporary folder that replaces the root of the image.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { root } from './stamp.mjs'

/** Folders of the image, and the port that the server listens on. */
const PATHS = /(?<![\w.])\/(?:app|data)\b/g
const PORT = '8321'

/** How long the server may take to start and to end, ms. */
const PATIENCE_MS = 20_000

/**
 * Builds the image's folder, starts the server as the image does, checks its health, runs a workflow and stops it.
 * @param {string} tarball the packed package
 */
export async function checkDockerfile(tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-image-'))
  try {
    await checkServer(build(folder, tarball))
    if (!existsSync(join(folder, 'data/executions.db'))) throw new Error('Expected the store to be in /data')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns {{ cwd: string, env: Record<string, string>, server: string[], health: string[] }} */
function build(folder, tarball) {
  const image = { cwd: folder, env: {}, server: [], health: [] }
  const place = text => text.replaceAll(PATHS, path => `${folder}${path}`)
  const INSTRUCTIONS = {
    FROM: name => expect(/^node:\d+-slim$/.test(name), `an image of Node.js, got ${name}`),
    ENV: pair => Object.assign(image.env, Object.fromEntries([pair.split('=', 2)])),
    WORKDIR(path) {
      image.cwd = place(path)
      mkdirSync(image.cwd)
    },
    COPY(paths) {
      const [from, to] = paths.split(' ')
      expect(matches(from, basename(tarball)), `COPY to take ${basename(tarball)}, got ${from}`)
      copyFileSync(tarball, join(image.cwd, to))
    },
    RUN(command) {
      const shell = place(command.replaceAll(/--mount=\S+ /g, '')).replace(
        'node:node',
        `${process.getuid()}:${process.getgid()}`,
      )
      const env = { ...process.env, ...image.env, npm_config_prefer_offline: 'true' }
      execFileSync('/bin/sh', ['-c', shell], { cwd: image.cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
    },
    USER: name => expect(name === 'node', `the user node, got ${name}`),
    VOLUME: path => expect(path === '/data', `the volume /data, got ${path}`),
    EXPOSE: port => expect(port === PORT, `the port ${PORT}, got ${port}`),
    HEALTHCHECK: command => (image.health = JSON.parse(command.replace('CMD ', ''))),
    ENTRYPOINT: words => image.server.push(...JSON.parse(words)),
    CMD: words => image.server.push(...JSON.parse(words).map(place)),
  }
  const text = readFileSync(new URL('Dockerfile', root), 'utf8')
  for (const line of text.split('\n').filter(each => each !== '' && !each.startsWith('#'))) {
    const [, name, rest] = /^(\w+) (.*)$/.exec(line) ?? []
    expect(name in INSTRUCTIONS, `an instruction that is known, got ${line}`)
    INSTRUCTIONS[name](rest)
  }
  expect(matchesIgnored(basename(tarball)), `.dockerignore to let ${basename(tarball)} through`)
  return image
}

async function checkServer({ cwd, env, server: [program, ...args], health }) {
  const command = join(cwd, program)
  const inherited = { PATH: process.env.PATH, HOME: cwd, ...env }
  const refused = spawn(command, args, { cwd, env: inherited, stdio: 'ignore' })
  expect((await ended(refused)) === 2, 'the server to refuse to start without a token')

  const token = 'a-token-for-this-check'
  const started = { ...inherited, DAGSTREAM_TOKEN: token }
  const child = spawn(command, [...args, '--port', '0'], { cwd, env: started, stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    const port = await readPort(child)
    const [, ...words] = health.map(word => word.replaceAll(PORT, port))
    execFileSync(process.execPath, words, { env: started, stdio: 'inherit' })
    const response = await fetch(`http://127.0.0.1:${port}/executions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
      body: readFileSync(new URL('fixtures/hello.json', root)),
    })
    const { status } = await response.json()
    expect(status === 'success', `a workflow to succeed, got ${status}`)
    child.kill('SIGTERM')
    expect((await ended(child)) === 0, 'SIGTERM to drain the server')
  } finally {
    child.kill('SIGKILL')
  }
}

/** The port that the server says it listens on. */
async function readPort(child) {
  let text = ''
  child.stderr.setEncoding('utf8')
  const signal = AbortSignal.timeout(PATIENCE_MS)
  for (;;) {
    const [chunk] = await once(child.stderr, 'data', { signal })
    text += chunk
    const port = /listens on \S+:(\d+)\n/.exec(text)?.[1]
    if (port !== undefined) return port
  }
}

async function ended(child) {
  const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) })
  return code
}

function matchesIgnored(name) {
  const patterns = readFileSync(new URL('.dockerignore', root), 'utf8').trim().split('\n')
  return patterns.some(pattern => pattern.startsWith('!') && matches(pattern.slice(1), name))
}

/** @param {string} pattern with at most one `*` */
function matches(pattern, name) {
  const [head, tail = ''] = pattern.split('*')
  return name.startsWith(head) && name.endsWith(tail)
}

function expect(isTrue, what) {
  if (!isTrue) throw new Error(`Dockerfile: expected ${what}`)
}
