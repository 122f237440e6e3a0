// npm run test:runtimes -- [NAME …]: the built package on every runtime; NAME is the beginning of one, as `bun` or `node 22`.
import { checkClient } from './client-case.mjs'
import { installRuntimes } from './install.mjs'
import { PLATFORMS } from './platforms.mjs'
import { SERVER_CASES } from './server-cases.mjs'
import { checkStalledReaders } from './stall-case.mjs'

/** Platforms that are tested at a time: most of a case is waiting. */
const AT_ONCE = 2

const startedAt = performance.now()
let failureCount = 0

const names = process.argv.slice(2)
const selected = PLATFORMS.filter(({ name }) => names.length === 0 || names.some(each => name.startsWith(each)))
const missing = selected.some(({ isLocal }) => !isLocal) ? await installRuntimes() : undefined
if (missing !== undefined) {
  console.log(`Only the running Node is tested: ${missing}`)
  if (process.env.CI) failureCount += 1
}
const queue = selected.filter(({ isLocal }) => isLocal || missing === undefined)
if (selected.length === 0) {
  console.log(`Expected the beginning of one of ${PLATFORMS.map(({ name }) => name).join(', ')}`)
  failureCount += 1
}

// The server that every client is tried against.
const [local] = PLATFORMS
const server = await local.startServers()
try {
  await Promise.all(Array.from({ length: AT_ONCE }, testNext))
} finally {
  await server.stop()
}
console.log(
  `${failureCount === 0 ? 'All passed' : `${failureCount} failed`}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
)
process.exitCode = failureCount === 0 ? 0 : 1

async function testNext() {
  for (let platform = queue.shift(); platform !== undefined; platform = queue.shift()) await testPlatform(platform)
}

async function testPlatform(platform) {
  const { name } = platform
  let addresses
  await runCase(name, 'its servers start', async () => {
    addresses = await platform.startServers()
  })
  if (addresses === undefined) return
  try {
    const given = { ...platform, ...addresses }
    await Promise.all(Object.entries(SERVER_CASES).map(([what, check]) => runCase(name, what, () => check(given))))
    await runCase(name, 'the client streams, waits, resumes and cancels', () =>
      checkClient(platform, addresses, server.executions),
    )
    await runCase(name, 'nothing is said on stderr', () => {
      const text = addresses
        .errors()
        .replace(platform.notice ?? '', '')
        .trim()
      if (text !== '') throw new Error(text.slice(0, 2000))
    })
    // Last, since most platforms report a reader that is given up on stderr; and alone, since it measures memory.
    await runCase(name, 'readers that never read are bounded and given up', () => checkStalledReaders(given))
  } finally {
    await addresses.stop()
  }
}

async function runCase(platform, what, check) {
  const from = performance.now()
  const tell = (mark, note) => {
    const seconds = ((performance.now() - from) / 1000).toFixed(1)
    console.log(`${mark} ${platform}: ${what}${note ? `: ${note}` : ''} (${seconds} s)`)
  }
  try {
    tell('ok  ', await check())
  } catch (error) {
    failureCount += 1
    tell('FAIL', error instanceof Error ? error.message : String(error))
  }
}
