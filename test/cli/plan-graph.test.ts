import { expect, test } from 'vitest'
import { run } from './fake-process.ts'

const document = {
  tasks: [
    { id: 'issues', tool: 'list' },
    { id: 'label', tool: 'chat', forEach: '$OUTPUT[issues].items', when: 'item.open', arguments: { of: '$ITEM' } },
    { id: 'page', tool: 'call', when: 'output.label.exists(x, x != null && x.urgent)' },
    {
      id: 'each',
      forEach: [1, 2],
      workflow: {
        tasks: [
          { id: 'fetch', tool: 'get' },
          { id: 'rate', workflow: { tasks: [{ id: 'fetch', tool: 'get' }] }, dependsOn: ['fetch'] },
        ],
        finally: [{ id: 'close', tool: 'call' }],
      },
      dependsOn: ['page'],
    },
    { id: 'poll', tool: 'get', repeat: { maxTimes: 1000 }, dependsOn: ['each'], optional: true },
    { id: 'rollback', tool: 'call', runOn: 'failure', dependsOn: ['poll'] },
  ],
  finally: [
    { id: 'notify', tool: 'call' },
    { id: 'after', tool: 'call', dependsOn: ['notify'] },
  ],
}

test('groups are frames, conditions dash arrows, and `finally` has a frame of its own', async () => {
  const { code, stdout } = await run(['graph', '-'], document)
  expect([code, stdout]).toEqual([
    0,
    `flowchart TD
  t0["issues<br/>list"]
  t1["label<br/>chat<br/>for each<br/>when item.open"]
  t2["page<br/>call<br/>when output.label.exists#40;x#44; x #33;#61; null #38;#38; x.urgent#41;"]
  subgraph t3["each · workflow · for each"]
    t4["fetch<br/>get"]
    subgraph t5["rate · workflow"]
      t6["fetch<br/>get"]
    end
    subgraph t7["finally"]
      t8["close<br/>call"]
    end
  end
  t9["poll<br/>get<br/>up to 1#44;000 times<br/>optional"]
  t10["rollback<br/>call<br/>on failure"]
  subgraph t11["finally"]
    t12["notify<br/>call"]
    t13["after<br/>call"]
  end
  t4 --> t5
  t12 --> t13
  t0 --> t1
  t1 -.-> t2
  t2 --> t3
  t3 --> t9
  t9 -.-> t10
`,
  ])
})

test('a registered workflow is a box, since drawing needs no other file', async () => {
  const tasks = [
    { id: 'a', tool: 'x' },
    { id: 'report', workflow: 'weekly-report', dependsOn: ['a'] },
  ]
  const { code, stdout } = await run(['graph', '-'], { tasks })
  expect([code, stdout]).toEqual([
    0,
    'flowchart TD\n  t0["a<br/>x"]\n  t1["report<br/>workflow:weekly-report"]\n  t0 --> t1\n',
  ])
  const misnamed = await run(['graph', '-'], { tasks: [{ id: 'a', workflow: 'weekly report' }] })
  expect([misnamed.code, misnamed.stderr]).toEqual([2, expect.stringContaining('/tasks/0/workflow')])
})

test('DOT joins boxes of groups and cuts the arrows at their frames', async () => {
  const { code, stdout } = await run(['graph', '-', '--format', 'dot'], document)
  expect([code, stdout]).toEqual([
    0,
    String.raw`digraph workflow {
  compound=true
  node [shape=box]
  "issues" [label="issues\nlist"]
  "label" [label="label\nchat\nfor each\nwhen item.open"]
  "page" [label="page\ncall\nwhen output.label.exists(x, x != null &amp;&amp; x.urgent)"]
  subgraph cluster_3 { label="each · workflow · for each"
    "each[*]/fetch" [label="fetch\nget"]
    subgraph cluster_5 { label="rate · workflow"
      "each[*]/rate/fetch" [label="fetch\nget"]
    }
    subgraph cluster_7 { label="finally"
      "each[*]/close" [label="close\ncall"]
    }
  }
  "poll" [label="poll\nget\nup to 1,000 times\noptional"]
  "rollback" [label="rollback\ncall\non failure"]
  subgraph cluster_11 { label="finally"
    "notify" [label="notify\ncall"]
    "after" [label="after\ncall"]
  }
  "each[*]/fetch" -> "each[*]/rate/fetch" [lhead=cluster_5]
  "notify" -> "after"
  "issues" -> "label"
  "label" -> "page" [style=dashed]
  "page" -> "each[*]/fetch" [lhead=cluster_3]
  "each[*]/close" -> "poll" [ltail=cluster_3]
  "poll" -> "rollback" [style=dashed]
}
`,
  ])
})
