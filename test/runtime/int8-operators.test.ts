import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { type Constant, constantOfTensor } from '../../src/ir/index.ts';
import { makeOnnx, type PlainNode } from '../onnx-model.ts';
import {
  between,
  compare,
  conv,
  floats,
  int,
  integers,
  ints,
  levels,
  window,
} from './quantized-model.ts';

const operators = suite('operators on 8-bit levels');

const convolutions: [
  string,
  readonly number[],
  readonly number[],
  PlainNode['attributes'],
  RegExp,
][] = [
  [
    'depthwise 3 × 3',
    [2, 19, 7, 9],
    [19, 1, 3, 3],
    window([1, 1], [1, 1, 1, 1], 19),
    /depthwise(_3x3)?$/,
  ],
  [
    '… with steps',
    [1, 12, 9, 8],
    [12, 1, 3, 3],
    window([2, 2], [0, 0, 1, 1], 12),
    /depthwise(_3x3)?$/,
  ],
  [
    'depthwise, dilated',
    [1, 9, 9, 8],
    [9, 1, 3, 3],
    window([1, 1], [2, 2, 2, 2], 9, [2, 2]),
    /depthwise$/,
  ],
  ['depthwise 5 × 4', [1, 5, 9, 8], [5, 1, 5, 4], window([3, 2], [1, 2, 0, 1], 5), /depthwise$/],
  [
    'three outputs a channel',
    [2, 5, 6, 7],
    [15, 1, 3, 3],
    window([1, 2], [1, 0, 1, 1], 5),
    /depthwise(_3x3)?$/,
  ],
  [
    'dense 3 × 3',
    [2, 24, 9, 11],
    [33, 24, 3, 3],
    window([1, 1], [1, 1, 1, 1]),
    /q8_(winograd|conv)/,
  ],
  ['one axis', [2, 6, 11], [6, 1, 3], window([2], [1, 1], 6), /depthwise$/],
  ['dense', [1, 3, 9, 7], [11, 3, 3, 2], window([2, 1], [1, 1, 0, 1]), /q8_conv/],
  [
    'dense, dilated',
    [1, 3, 9, 9],
    [11, 3, 3, 3],
    window([1, 1], [2, 2, 2, 2], 1, [2, 2]),
    /q8_conv/,
  ],
  [
    'dense, three axes',
    [1, 3, 4, 5, 6],
    [7, 3, 2, 3, 3],
    window([1, 2, 1], [1, 1, 1, 0, 1, 1]),
    /q8_conv/,
  ],
  ['one channel to one', [1, 1, 6, 7], [1, 1, 1, 1], window([2, 1], [0, 0, 0, 0]), /q8_conv/],
  ['groups', [1, 8, 6, 7], [12, 4, 3, 3], window([1, 1], [1, 1, 1, 1], 2), /q8_conv/],
];

for (const [name, dims, shape, attributes, kernel] of convolutions) {
  operators(`convolution: ${name}`, async () => {
    for (const type of ['int8', 'uint8'] as const) {
      // Weights with a zero point meet unsigned activations in onnxruntime.
      for (const zero of type === 'int8' ? [0] : [0, 119]) {
        const { bytes, feeds } = conv(type, dims, shape, attributes, zero);
        const kernels = await compare(bytes, feeds, 0.02);
        const own = kernels.find((text) => text.startsWith('mp.Conv'));
        assert.match(own?.replace(/ (usdot|sdot|i16)$/, '') ?? kernels.join(), kernel);
      }
    }
  });
}

operators('transposed convolutions', async () => {
  const source = random(9);
  for (const type of ['int8', 'uint8'] as const) {
    for (const [strides, pads, extra, axis] of [
      [[2, 2], [1, 1, 1, 1], [1, 1], 1],
      [[2, 3], [0, 1, 0, 0], [0, 2], 0],
      [[3, 3], [0, 0, 0, 0], [0, 0], 1],
    ] as const) {
      const [dims, shape] = [
        [2, 5, 4, 6],
        [5, 7, 3, 3],
      ];
      const isWhole = axis === 0;
      const scales = Array.from({ length: isWhole ? 1 : 7 }, (_, i) => 0.0041 + i * 0.0003);
      const attributes = [
        ['strides', ints(...strides)],
        ['pads', ints(...pads)],
        ['output_padding', ints(...extra)],
      ] as const;
      const by: PlainNode['attributes'] = isWhole ? [] : [['axis', int(1)]];
      const nodes: PlainNode[] = [
        { op: 'DequantizeLinear', inputs: ['x', 'xs', 'xz'], outputs: ['xr'] },
        { op: 'DequantizeLinear', inputs: ['w', 'ws'], outputs: ['wr'], attributes: by },
        { op: 'ConvTranspose', inputs: ['xr', 'wr'], outputs: ['c'], attributes },
        { op: 'QuantizeLinear', inputs: ['c', 'ys', 'xz'], outputs: ['y'] },
      ];
      const bytes = makeOnnx({
        opset: 17,
        nodes,
        inputs: { x: [type, dims] },
        outputs: { y: type },
        constants: {
          xs: floats([0.0173]),
          xz: integers(type, [type === 'int8' ? -9 : 117]),
          w: constantOfTensor(levels(source, 'int8', shape)),
          ws: floats(scales, isWhole ? [] : [7]),
          ys: floats([0.0691]),
        },
      });
      const kernels = await compare(bytes, { x: levels(source, type, dims) }, 0.02);
      assert.match(kernels.join(), /q8_conv .* transposed/);
    }
  }
});

operators('a pad before a convolution is its own', async () => {
  for (const type of ['int8', 'uint8'] as const) {
    const pad: PlainNode[] = [
      { op: 'Pad', inputs: ['xr', 'pads'], outputs: ['p'] },
      { op: 'QuantizeLinear', inputs: ['p', 'xs', 'xz'], outputs: ['pq'] },
      { op: 'DequantizeLinear', inputs: ['pq', 'xs', 'xz'], outputs: ['pr'] },
    ];
    const attributes = window([2, 2], [0, 0, 0, 0]);
    const { bytes, feeds } = conv(type, [1, 4, 8, 7], [6, 4, 3, 3], attributes, 0, pad);
    const kernels = await compare(bytes, feeds, 0.02);
    assert.not.ok(
      kernels.some((text) => text.startsWith('Pad')),
      kernels.join(),
    );
  }
});

operators('reductions, resizing and requantization', async () => {
  const source = random(5);
  const axes = (...values: number[]): Constant =>
    constantOfTensor(new Tensor('int64', values, [values.length]));
  for (const type of ['int8', 'uint8'] as const) {
    const run = async (
      node: Omit<PlainNode, 'outputs'>,
      dims: readonly number[],
      output: number,
      kernel: RegExp,
      constants: Record<string, Constant> = {},
    ): Promise<void> => {
      const bytes = between(
        { ...node, outputs: [] },
        type,
        { a: [dims, 0.0517] },
        output,
        constants,
      );
      const kernels = await compare(bytes, { a: levels(source, type, dims) }, 0.02);
      assert.match(kernels.join(), kernel);
      assert.not.match(kernels.join(), /in float32|f32_q8_runs|q8_f32_runs/);
    };
    const a = ['a_real'];
    const kept = (value: number): PlainNode['attributes'] => [['keepdims', int(value)]];
    const over = (...values: number[]): PlainNode['attributes'] => [
      ['axes', ints(...values)],
      ...kept(1)!,
    ];
    await run(
      { op: 'ReduceMean', inputs: a, attributes: over(1, 2) },
      [2, 5, 7, 6],
      0.0213,
      /q8_average/,
    );
    await run(
      { op: 'ReduceMean', inputs: a, attributes: over(-1) },
      [3, 4, 33],
      0.0213,
      /q8_average/,
    );
    await run(
      { op: 'ReduceMax', inputs: a, attributes: over(1) },
      [3, 17, 5],
      0.0713,
      /q8_max_pool/,
    );
    await run({ op: 'ReduceSum', inputs: ['a_real', 'axes'] }, [3, 4, 5], 0.171, /q8_average/, {
      axes: axes(2),
    });
    await run(
      { op: 'ReduceMean', inputs: a, attributes: over(1, 3) },
      [2, 5, 7, 6],
      0.0213,
      /q8_average/,
    );
    await run(
      { op: 'ReduceMin', inputs: a, attributes: over(1) },
      [3, 17, 5],
      0.0517,
      /q8_max_pool/,
    );
    await run(
      { op: 'ReduceMin', inputs: a, attributes: over(2) },
      [3, 4, 33],
      0.0713,
      /q8_max_pool/,
    );
    await run({ op: 'Pad', inputs: ['a_real', 'pads', 'value'] }, [3, 4], 0.0517, /x8_copy/, {
      pads: axes(1, 0, 2, 1),
      value: floats([1.13]),
    });
    await run({ op: 'PRelu', inputs: ['a_real', 'slopes'] }, [2, 3, 5], 0.0713, /x8_lookup2/, {
      slopes: floats([0.1, 0.31, -0.2, 0.1, 0.77], [5]),
    });
    await run({ op: 'Identity', inputs: a }, [3, 4, 5], 0.0713, /x8_lookup/);
    const sizes = (...values: number[]): Record<string, Constant> => ({ sizes: axes(...values) });
    const linear: PlainNode['attributes'] = [
      ['mode', { type: 'string', value: 'linear' }],
      ['coordinate_transformation_mode', { type: 'string', value: 'align_corners' }],
    ];
    const inputs = ['a_real', '', '', 'sizes'];
    const resize = { op: 'Resize', inputs, attributes: linear };
    await run(resize, [1, 5, 4, 3], 0.0517, /f32_q8_resample/, sizes(1, 5, 10, 8));
    await run(resize, [1, 5, 4, 3], 0.0713, /f32_q8_resample/, sizes(1, 5, 4, 10));
  }
});

operators('functions of two tensors of levels', async () => {
  const source = random(8);
  for (const type of ['int8', 'uint8'] as const) {
    const run = async (
      op: string,
      dims: readonly [readonly number[], readonly number[]],
      output: number,
      kernel: RegExp,
    ): Promise<void> => {
      const inputs = { a: [dims[0], 0.0517], b: [dims[1], 0.0713] } as const;
      const node = { op, inputs: ['a_real', 'b_real'], outputs: [] };
      const feeds = { a: levels(source, type, dims[0]), b: levels(source, type, dims[1]) };
      // Nothing is divided by zero.
      const { data } = feeds.b;
      const zero = type === 'int8' ? -3 : 125;
      (data as Int8Array).forEach((level, i) => {
        if (level === zero) data[i] = level + 5;
      });
      const kernels = await compare(between(node, type, inputs, output), feeds, 0.02);
      assert.match(kernels.join(), kernel);
      assert.not.match(kernels.join(), /in float32|f32_q8_runs|q8_f32_runs/);
    };
    await run(
      'Max',
      [
        [2, 5, 7],
        [2, 5, 7],
      ],
      0.0713,
      /x8_lookup2/,
    );
    await run(
      'Min',
      [
        [2, 5, 7],
        [5, 1],
      ],
      0.0617,
      /x8_lookup2/,
    );
    await run('Div', [[2, 5, 7], [7]], 0.0371, /x8_lookup2/);
    await run(
      'PRelu',
      [
        [2, 5, 7],
        [5, 7],
      ],
      0.0891,
      /x8_lookup2/,
    );
    await run(
      'MatMul',
      [
        [3, 9, 21],
        [21, 13],
      ],
      0.3171,
      /q8_gemm pair/,
    );
    await run(
      'MatMul',
      [
        [2, 3, 40, 21],
        [3, 21, 17],
      ],
      0.3171,
      /q8_gemm pair/,
    );
    await run(
      'MatMul',
      [
        [1, 21],
        [2, 21, 40],
      ],
      0.3171,
      /q8_gemm pair/,
    );
  }
});

operators('the place of the greatest and of the least', async () => {
  const source = random(6);
  for (const type of ['int8', 'uint8'] as const) {
    for (const op of ['ArgMax', 'ArgMin']) {
      for (const [dims, axis, last] of [
        [[3, 5, 21], 2, 0],
        [[3, 5, 40], 2, 1],
        [[3, 9, 2], 1, 1],
        [[2, 4, 3], -1, 0],
      ] as const) {
        const attributes: PlainNode['attributes'] = [
          ['axis', int(axis)],
          ['select_last_index', int(last)],
        ];
        const bytes = makeOnnx({
          opset: 17,
          nodes: [
            { op: 'DequantizeLinear', inputs: ['x', 's', 'z'], outputs: ['r'] },
            { op, inputs: ['r'], outputs: ['y'], attributes },
          ],
          inputs: { x: [type, dims] },
          outputs: { y: 'int64' },
          constants: { s: floats([0.1]), z: integers(type, [7]) },
        });
        const kernels = await compare(bytes, { x: levels(source, type, dims) }, 0);
        assert.match(kernels.join(), /q8_arg_extreme/);
      }
    }
  }
});

operators.run();
