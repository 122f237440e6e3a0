// Measures the page in Debian's Chromium against `dagstream serve`, each in a process of its own.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { computeMedian } from './statistics.mjs'

const PATH = '/usr/bin/chromium'
const ARGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'
const LOADS = 7
const SECONDS = 5
/** Tasks that report at once, and events of each per second. */
const REPORTERS = 20
const PER_SECOND = 50

/** @returns {Promise<Record<string, number>>} */
export async function measurePage({ taskCount }) {
  const { chromium } = await import('playwright-core')
  const server = await startServer()
  const browser = await chromium.launch({ executablePath: PATH, headless: true, args: ARGS.split(' ') })
  try {
    const page = await browser.newPage({ viewport: { width: 1360, height: 800 } })
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable')
    const paints = []
    for (let load = 0; load < LOADS; load++) {
      await page.goto(server.url)
      await page.waitForSelector('h1')
      paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime))
    }
    const tasks = Array.from({ length: taskCount }, (_, at) => {
      return { id: `t${at}`, tool: 'work', ...(at >= 100 && { dependsOn: [`t${at - 100}`] }) }
    })
    const large = await server.run({ tasks })
    const before = await readTaskSeconds(session)
    const openMs = await openExecution(page, large, taskCount)
    const openCpuMs = ((await readTaskSeconds(session)) - before) * 1000
    const reporters = Array.from({ length: REPORTERS }, (_, at) => {
      return { id: `r${at}`, tool: 'report', arguments: { perSecond: PER_SECOND, seconds: SECONDS } }
    })
    // The document of the large one beside them: what is shown has as many rows.
    const live = await server.start({ tasks: [...tasks, ...reporters] })
    await page.evaluate(id => (location.hash = `#/executions/${id}`), live)
    await page.waitForFunction(() => document.querySelectorAll('.timeline tbody tr').length > 10)
    const frames = await page.evaluate(measureFrames, (SECONDS - 1) * 1000)
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    frames.sort((a, b) => a - b)
    return {
      firstPaintMs: computeMedian(paints),
      openMs,
      openCpuMs,
      frameP99Ms: frames[Math.floor(frames.length * 0.99)],
      frameMaxMs: frames.at(-1),
      heapMB: usedSize / 1e6,
    }
  } finally {
    await browser.close()
    await server.close()
  }
}

/** Whether there is a browser to measure in. */
export function hasBrowser() {
  try {
    execFileSync(PATH, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function startServer() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const flags = ['serve', '--port', '0', '--store', 'memory', '--tools', 'bench/page-tools.mjs', '--concurrency', '64']
  const child = spawn(process.execPath, ['dist/cli/main.js', ...flags, '--log-level', 'silent', '--drain', '0'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let told = ''
  for await (const chunk of child.stderr) {
    told += chunk
    if (/^Page: /m.test(told)) break
  }
  const url = /^Page: (\S+)$/m.exec(told)?.[1]
  const start = async workflow => {
    const headers = { 'content-type': 'application/json', prefer: 'respond-async' }
    const answer = await fetch(`${url}executions`, { method: 'POST', headers, body: JSON.stringify(workflow) })
    return (await answer.json()).executionId
  }
  return {
    url,
    start,
    run: async workflow => {
      const id = await start(workflow)
      while ((await (await fetch(`${url}executions/${id}`)).json()).status === 'running') {
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      return id
    },
    close: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function openExecution(page, id, taskCount) {
  return page.evaluate(
    ({ id, count }) =>
      new Promise(resolve => {
        const startedAt = performance.now()
        location.hash = `#/executions/${id}`
        const look = () => {
          if (document.querySelector('.counts')?.textContent?.includes(`${count}/${count}`)) {
            resolve(performance.now() - startedAt)
          } else requestAnimationFrame(look)
        }
        look()
      }),
    { id, count: taskCount.toLocaleString('en') },
  )
}

/** The times between frames, ms. */
function measureFrames(ms) {
  return new Promise(resolve => {
    const frames = []
    const startedAt = performance.now()
    let last = startedAt
    const look = () => {
      const now = performance.now()
      frames.push(now - last)
      last = now
      if (now - startedAt < ms) requestAnimationFrame(look)
      else resolve(frames)
    }
    requestAnimationFrame(look)
  })
}

async function readTaskSeconds(session) {
  const { metrics } = await session.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration').value
}
