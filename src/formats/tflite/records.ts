/** Made by scripts/tflite-schema.ts from the TFLite schema; not to be edited. */

/** A file's tables as plain objects. A field that the file leaves out is absent here too: its default is in the
 *  schema. Enumerations are numbers, 64-bit integers are bigints, lists of scalars are typed arrays. */

export type QuantizationDetails =
  | { type: 'CustomQuantization'; value: CustomQuantizationRecord }
  | { type: 'BlockwiseQuantization'; value: BlockwiseQuantizationRecord }
  | { type: 'MultiAxisQuantization'; value: MultiAxisQuantizationRecord };

export type SparseIndexVector =
  | { type: 'Int32Vector'; value: Int32VectorRecord }
  | { type: 'Uint16Vector'; value: Uint16VectorRecord }
  | { type: 'Uint8Vector'; value: Uint8VectorRecord };

export type BuiltinOptions =
  | { type: 'Conv2DOptions'; value: Conv2DOptions }
  | { type: 'DepthwiseConv2DOptions'; value: DepthwiseConv2DOptions }
  | { type: 'ConcatEmbeddingsOptions'; value: ConcatEmbeddingsOptions }
  | { type: 'LSHProjectionOptions'; value: LSHProjectionOptions }
  | { type: 'Pool2DOptions'; value: Pool2DOptions }
  | { type: 'SVDFOptions'; value: SVDFOptions }
  | { type: 'RNNOptions'; value: RNNOptions }
  | { type: 'FullyConnectedOptions'; value: FullyConnectedOptions }
  | { type: 'SoftmaxOptions'; value: SoftmaxOptions }
  | { type: 'ConcatenationOptions'; value: ConcatenationOptions }
  | { type: 'AddOptions'; value: AddOptions }
  | { type: 'L2NormOptions'; value: L2NormOptions }
  | { type: 'LocalResponseNormalizationOptions'; value: LocalResponseNormalizationOptions }
  | { type: 'LSTMOptions'; value: LSTMOptions }
  | { type: 'ResizeBilinearOptions'; value: ResizeBilinearOptions }
  | { type: 'CallOptions'; value: CallOptions }
  | { type: 'ReshapeOptions'; value: ReshapeOptions }
  | { type: 'SkipGramOptions'; value: SkipGramOptions }
  | { type: 'SpaceToDepthOptions'; value: SpaceToDepthOptions }
  | { type: 'EmbeddingLookupSparseOptions'; value: EmbeddingLookupSparseOptions }
  | { type: 'MulOptions'; value: MulOptions }
  | { type: 'PadOptions'; value: PadOptions }
  | { type: 'GatherOptions'; value: GatherOptions }
  | { type: 'BatchToSpaceNDOptions'; value: BatchToSpaceNDOptions }
  | { type: 'SpaceToBatchNDOptions'; value: SpaceToBatchNDOptions }
  | { type: 'TransposeOptions'; value: TransposeOptions }
  | { type: 'ReducerOptions'; value: ReducerOptions }
  | { type: 'SubOptions'; value: SubOptions }
  | { type: 'DivOptions'; value: DivOptions }
  | { type: 'SqueezeOptions'; value: SqueezeOptions }
  | { type: 'SequenceRNNOptions'; value: SequenceRNNOptions }
  | { type: 'StridedSliceOptions'; value: StridedSliceOptions }
  | { type: 'ExpOptions'; value: ExpOptions }
  | { type: 'TopKV2Options'; value: TopKV2Options }
  | { type: 'SplitOptions'; value: SplitOptions }
  | { type: 'LogSoftmaxOptions'; value: LogSoftmaxOptions }
  | { type: 'CastOptions'; value: CastOptions }
  | { type: 'DequantizeOptions'; value: DequantizeOptions }
  | { type: 'MaximumMinimumOptions'; value: MaximumMinimumOptions }
  | { type: 'ArgMaxOptions'; value: ArgMaxOptions }
  | { type: 'LessOptions'; value: LessOptions }
  | { type: 'NegOptions'; value: NegOptions }
  | { type: 'PadV2Options'; value: PadV2Options }
  | { type: 'GreaterOptions'; value: GreaterOptions }
  | { type: 'GreaterEqualOptions'; value: GreaterEqualOptions }
  | { type: 'LessEqualOptions'; value: LessEqualOptions }
  | { type: 'SelectOptions'; value: SelectOptions }
  | { type: 'SliceOptions'; value: SliceOptions }
  | { type: 'TransposeConvOptions'; value: TransposeConvOptions }
  | { type: 'SparseToDenseOptions'; value: SparseToDenseOptions }
  | { type: 'TileOptions'; value: TileOptions }
  | { type: 'ExpandDimsOptions'; value: ExpandDimsOptions }
  | { type: 'EqualOptions'; value: EqualOptions }
  | { type: 'NotEqualOptions'; value: NotEqualOptions }
  | { type: 'ShapeOptions'; value: ShapeOptions }
  | { type: 'PowOptions'; value: PowOptions }
  | { type: 'ArgMinOptions'; value: ArgMinOptions }
  | { type: 'FakeQuantOptions'; value: FakeQuantOptions }
  | { type: 'PackOptions'; value: PackOptions }
  | { type: 'LogicalOrOptions'; value: LogicalOrOptions }
  | { type: 'OneHotOptions'; value: OneHotOptions }
  | { type: 'LogicalAndOptions'; value: LogicalAndOptions }
  | { type: 'LogicalNotOptions'; value: LogicalNotOptions }
  | { type: 'UnpackOptions'; value: UnpackOptions }
  | { type: 'FloorDivOptions'; value: FloorDivOptions }
  | { type: 'SquareOptions'; value: SquareOptions }
  | { type: 'ZerosLikeOptions'; value: ZerosLikeOptions }
  | { type: 'FillOptions'; value: FillOptions }
  | { type: 'BidirectionalSequenceLSTMOptions'; value: BidirectionalSequenceLSTMOptions }
  | { type: 'BidirectionalSequenceRNNOptions'; value: BidirectionalSequenceRNNOptions }
  | { type: 'UnidirectionalSequenceLSTMOptions'; value: UnidirectionalSequenceLSTMOptions }
  | { type: 'FloorModOptions'; value: FloorModOptions }
  | { type: 'RangeOptions'; value: RangeOptions }
  | { type: 'ResizeNearestNeighborOptions'; value: ResizeNearestNeighborOptions }
  | { type: 'LeakyReluOptions'; value: LeakyReluOptions }
  | { type: 'SquaredDifferenceOptions'; value: SquaredDifferenceOptions }
  | { type: 'MirrorPadOptions'; value: MirrorPadOptions }
  | { type: 'AbsOptions'; value: AbsOptions }
  | { type: 'SplitVOptions'; value: SplitVOptions }
  | { type: 'UniqueOptions'; value: UniqueOptions }
  | { type: 'ReverseV2Options'; value: ReverseV2Options }
  | { type: 'AddNOptions'; value: AddNOptions }
  | { type: 'GatherNdOptions'; value: GatherNdOptions }
  | { type: 'CosOptions'; value: CosOptions }
  | { type: 'WhereOptions'; value: WhereOptions }
  | { type: 'RankOptions'; value: RankOptions }
  | { type: 'ReverseSequenceOptions'; value: ReverseSequenceOptions }
  | { type: 'MatrixDiagOptions'; value: MatrixDiagOptions }
  | { type: 'QuantizeOptions'; value: QuantizeOptions }
  | { type: 'MatrixSetDiagOptions'; value: MatrixSetDiagOptions }
  | { type: 'HardSwishOptions'; value: HardSwishOptions }
  | { type: 'IfOptions'; value: IfOptions }
  | { type: 'WhileOptions'; value: WhileOptions }
  | { type: 'DepthToSpaceOptions'; value: DepthToSpaceOptions }
  | { type: 'NonMaxSuppressionV4Options'; value: NonMaxSuppressionV4Options }
  | { type: 'NonMaxSuppressionV5Options'; value: NonMaxSuppressionV5Options }
  | { type: 'ScatterNdOptions'; value: ScatterNdOptions }
  | { type: 'SelectV2Options'; value: SelectV2Options }
  | { type: 'DensifyOptions'; value: DensifyOptions }
  | { type: 'SegmentSumOptions'; value: SegmentSumOptions }
  | { type: 'BatchMatMulOptions'; value: BatchMatMulOptions }
  | { type: 'CumsumOptions'; value: CumsumOptions }
  | { type: 'CallOnceOptions'; value: CallOnceOptions }
  | { type: 'BroadcastToOptions'; value: BroadcastToOptions }
  | { type: 'Rfft2dOptions'; value: Rfft2dOptions }
  | { type: 'Conv3DOptions'; value: Conv3DOptions }
  | { type: 'HashtableOptions'; value: HashtableOptions }
  | { type: 'HashtableFindOptions'; value: HashtableFindOptions }
  | { type: 'HashtableImportOptions'; value: HashtableImportOptions }
  | { type: 'HashtableSizeOptions'; value: HashtableSizeOptions }
  | { type: 'VarHandleOptions'; value: VarHandleOptions }
  | { type: 'ReadVariableOptions'; value: ReadVariableOptions }
  | { type: 'AssignVariableOptions'; value: AssignVariableOptions }
  | { type: 'RandomOptions'; value: RandomOptions }
  | { type: 'BucketizeOptions'; value: BucketizeOptions }
  | { type: 'GeluOptions'; value: GeluOptions }
  | { type: 'DynamicUpdateSliceOptions'; value: DynamicUpdateSliceOptions }
  | { type: 'UnsortedSegmentProdOptions'; value: UnsortedSegmentProdOptions }
  | { type: 'UnsortedSegmentMaxOptions'; value: UnsortedSegmentMaxOptions }
  | { type: 'UnsortedSegmentMinOptions'; value: UnsortedSegmentMinOptions }
  | { type: 'UnsortedSegmentSumOptions'; value: UnsortedSegmentSumOptions }
  | { type: 'ATan2Options'; value: ATan2Options }
  | { type: 'SignOptions'; value: SignOptions }
  | { type: 'BitcastOptions'; value: BitcastOptions }
  | { type: 'BitwiseXorOptions'; value: BitwiseXorOptions }
  | { type: 'RightShiftOptions'; value: RightShiftOptions };

export type BuiltinOptions2 =
  | { type: 'StablehloConcatenateOptions'; value: StablehloConcatenateOptions }
  | { type: 'StablehloBroadcastInDimOptions'; value: StablehloBroadcastInDimOptions }
  | { type: 'StablehloSliceOptions'; value: StablehloSliceOptions }
  | { type: 'StablehloConvolutionOptions'; value: StablehloConvolutionOptions }
  | { type: 'StablehloCustomCallOptions'; value: StablehloCustomCallOptions }
  | { type: 'StablehloReduceOptions'; value: StablehloReduceOptions }
  | { type: 'StablehloScatterOptions'; value: StablehloScatterOptions }
  | { type: 'StablehloCompareOptions'; value: StablehloCompareOptions }
  | { type: 'StablehloDynamicSliceOptions'; value: StablehloDynamicSliceOptions }
  | { type: 'StablehloPadOptions'; value: StablehloPadOptions }
  | { type: 'StablehloIotaOptions'; value: StablehloIotaOptions }
  | { type: 'StablehloDotGeneralOptions'; value: StablehloDotGeneralOptions }
  | { type: 'StablehloReduceWindowOptions'; value: StablehloReduceWindowOptions }
  | { type: 'StablehloSortOptions'; value: StablehloSortOptions }
  | { type: 'StablehloWhileOptions'; value: StablehloWhileOptions }
  | { type: 'StablehloGatherOptions'; value: StablehloGatherOptions }
  | { type: 'StablehloTransposeOptions'; value: StablehloTransposeOptions }
  | { type: 'DilateOptions'; value: DilateOptions }
  | { type: 'StablehloRngBitGeneratorOptions'; value: StablehloRngBitGeneratorOptions }
  | { type: 'ReduceWindowOptions'; value: ReduceWindowOptions }
  | { type: 'StableHLOCompositeOptions'; value: StableHLOCompositeOptions }
  | { type: 'StablehloShiftLeftOptions'; value: StablehloShiftLeftOptions }
  | { type: 'StablehloCaseOptions'; value: StablehloCaseOptions };

export interface CustomQuantizationRecord {
  custom?: Uint8Array;
}

export interface BlockwiseQuantizationRecord {
  scales?: number;
  zeroPoints?: number;
  blockSize?: number;
}

export interface MultiAxisQuantizationRecord {
  scales?: number;
  zeroPoints?: number;
  blockSize?: number;
  quantizedDimensions?: Int32Array;
}

export interface QuantizationParametersRecord {
  min?: Float32Array;
  max?: Float32Array;
  scale?: Float32Array;
  zeroPoint?: BigInt64Array;
  details?: QuantizationDetails;
  quantizedDimension?: number;
}

export interface Int32VectorRecord {
  values?: Int32Array;
}

export interface Uint16VectorRecord {
  values?: Uint16Array;
}

export interface Uint8VectorRecord {
  values?: Uint8Array;
}

export interface DimensionMetadataRecord {
  format?: number;
  denseSize?: number;
  arraySegments?: SparseIndexVector;
  arrayIndices?: SparseIndexVector;
}

export interface SparsityParametersRecord {
  traversalOrder?: Int32Array;
  blockMap?: Int32Array;
  dimMetadata?: DimensionMetadataRecord[];
}

export interface VariantSubTypeRecord {
  shape?: Int32Array;
  type?: number;
  hasRank?: boolean;
}

export interface TensorRecord {
  shape?: Int32Array;
  type?: number;
  buffer?: number;
  name?: string;
  quantization?: QuantizationParametersRecord;
  isVariable?: boolean;
  sparsity?: SparsityParametersRecord;
  shapeSignature?: Int32Array;
  hasRank?: boolean;
  variantTensors?: VariantSubTypeRecord[];
  externalBuffer?: number;
}

export interface StablehloGatherOptions {
  offsetDims?: BigInt64Array;
  collapsedSliceDims?: BigInt64Array;
  startIndexMap?: BigInt64Array;
  indexVectorDim?: bigint;
  sliceSizes?: BigInt64Array;
  indicesAreSorted?: boolean;
}

export interface StablehloTransposeOptions {
  permutation?: BigInt64Array;
}

export interface StablehloDotGeneralOptions {
  lhsBatchingDimensions?: BigInt64Array;
  rhsBatchingDimensions?: BigInt64Array;
  lhsContractingDimensions?: BigInt64Array;
  rhsContractingDimensions?: BigInt64Array;
  precisionConfig?: Uint32Array;
}

export interface StablehloReduceWindowOptions {
  windowDimensions?: BigInt64Array;
  windowStrides?: BigInt64Array;
  baseDilations?: BigInt64Array;
  windowDilations?: BigInt64Array;
  padding?: BigInt64Array;
  bodySubgraphIndex?: number;
}

export interface StablehloWhileOptions {
  condSubgraphIndex?: number;
  bodySubgraphIndex?: number;
}

export interface StablehloSortOptions {
  dimension?: bigint;
  isStable?: boolean;
  comparatorSubgraphIndex?: number;
}

export interface StablehloConcatenateOptions {
  dimension?: bigint;
}

export interface StablehloBroadcastInDimOptions {
  broadcastDimensions?: BigInt64Array;
}

export interface StablehloCompareOptions {
  comparisonDirection?: number;
  compareType?: number;
}

export interface StablehloDynamicSliceOptions {
  sliceSizes?: BigInt64Array;
}

export interface StablehloPadOptions {
  edgePaddingLow?: BigInt64Array;
  edgePaddingHigh?: BigInt64Array;
  interiorPadding?: BigInt64Array;
}

export interface StablehloIotaOptions {
  iotaDimension?: bigint;
}

export interface StablehloCustomCallOptions {
  callTargetName?: string;
  hasSideEffect?: boolean;
  backendConfig?: string;
  apiVersion?: number;
  calledComputations?: Int32Array;
  customAttributes?: Uint8Array;
}

export interface StablehloReduceOptions {
  dimensions?: BigInt64Array;
  bodySubgraphIndex?: number;
}

export interface StablehloSliceOptions {
  startIndices?: BigInt64Array;
  limitIndices?: BigInt64Array;
  strides?: BigInt64Array;
}

export interface StablehloConvolutionOptions {
  windowStrides?: BigInt64Array;
  padding?: BigInt64Array;
  lhsDilation?: BigInt64Array;
  rhsDilation?: BigInt64Array;
  windowReversal?: Uint8Array;
  inputBatchDimension?: bigint;
  inputFeatureDimension?: bigint;
  inputSpatialDimensions?: BigInt64Array;
  kernelInputFeatureDimension?: bigint;
  kernelOutputFeatureDimension?: bigint;
  kernelSpatialDimensions?: BigInt64Array;
  outputBatchDimension?: bigint;
  outputFeatureDimension?: bigint;
  outputSpatialDimensions?: BigInt64Array;
  featureGroupCount?: bigint;
  batchGroupCount?: bigint;
  precisionConfig?: Uint32Array;
}

export interface StablehloScatterOptions {
  indicesAreSorted?: boolean;
  updateWindowDims?: BigInt64Array;
  insertedWindowDims?: BigInt64Array;
  scatterDimsToOperandDims?: BigInt64Array;
  indexVectorDim?: bigint;
  uniqueIndices?: boolean;
  updateComputationSubgraphIndex?: number;
}

export interface StablehloCaseOptions {
  branchSubgraphIndices?: Int32Array;
}

export interface StablehloRngBitGeneratorOptions {
  algorithm?: number;
}

export interface Conv2DOptions {
  padding?: number;
  strideW?: number;
  strideH?: number;
  fusedActivationFunction?: number;
  dilationWFactor?: number;
  dilationHFactor?: number;
  quantizedBiasType?: number;
}

export interface Conv3DOptions {
  padding?: number;
  strideD?: number;
  strideW?: number;
  strideH?: number;
  fusedActivationFunction?: number;
  dilationDFactor?: number;
  dilationWFactor?: number;
  dilationHFactor?: number;
}

export interface Pool2DOptions {
  padding?: number;
  strideW?: number;
  strideH?: number;
  filterWidth?: number;
  filterHeight?: number;
  fusedActivationFunction?: number;
}

export interface DepthwiseConv2DOptions {
  padding?: number;
  strideW?: number;
  strideH?: number;
  depthMultiplier?: number;
  fusedActivationFunction?: number;
  dilationWFactor?: number;
  dilationHFactor?: number;
}

export interface ConcatEmbeddingsOptions {
  numChannels?: number;
  numColumnsPerChannel?: Int32Array;
  embeddingDimPerChannel?: Int32Array;
}

export interface LSHProjectionOptions {
  type?: number;
}

export interface SVDFOptions {
  rank?: number;
  fusedActivationFunction?: number;
  asymmetricQuantizeInputs?: boolean;
}

export interface RNNOptions {
  fusedActivationFunction?: number;
  asymmetricQuantizeInputs?: boolean;
}

export interface SequenceRNNOptions {
  timeMajor?: boolean;
  fusedActivationFunction?: number;
  asymmetricQuantizeInputs?: boolean;
}

export interface BidirectionalSequenceRNNOptions {
  timeMajor?: boolean;
  fusedActivationFunction?: number;
  mergeOutputs?: boolean;
  asymmetricQuantizeInputs?: boolean;
}

export interface FullyConnectedOptions {
  fusedActivationFunction?: number;
  weightsFormat?: number;
  keepNumDims?: boolean;
  asymmetricQuantizeInputs?: boolean;
  quantizedBiasType?: number;
}

export interface SoftmaxOptions {
  beta?: number;
}

export interface ConcatenationOptions {
  axis?: number;
  fusedActivationFunction?: number;
}

export interface AddOptions {
  fusedActivationFunction?: number;
  potScaleInt16?: boolean;
}

export interface MulOptions {
  fusedActivationFunction?: number;
}

export interface L2NormOptions {
  fusedActivationFunction?: number;
}

export interface LocalResponseNormalizationOptions {
  radius?: number;
  bias?: number;
  alpha?: number;
  beta?: number;
}

export interface LSTMOptions {
  fusedActivationFunction?: number;
  cellClip?: number;
  projClip?: number;
  kernelType?: number;
  asymmetricQuantizeInputs?: boolean;
}

export interface UnidirectionalSequenceLSTMOptions {
  fusedActivationFunction?: number;
  cellClip?: number;
  projClip?: number;
  timeMajor?: boolean;
  asymmetricQuantizeInputs?: boolean;
  diagonalRecurrentTensors?: boolean;
}

export interface BidirectionalSequenceLSTMOptions {
  fusedActivationFunction?: number;
  cellClip?: number;
  projClip?: number;
  mergeOutputs?: boolean;
  timeMajor?: boolean;
  asymmetricQuantizeInputs?: boolean;
}

export interface ResizeBilinearOptions {
  newHeight?: number;
  newWidth?: number;
  alignCorners?: boolean;
  halfPixelCenters?: boolean;
}

export interface ResizeNearestNeighborOptions {
  alignCorners?: boolean;
  halfPixelCenters?: boolean;
}

export interface CallOptions {
  subgraph?: number;
}

export type PadOptions = Record<never, never>;

export type PadV2Options = Record<never, never>;

export interface ReshapeOptions {
  newShape?: Int32Array;
}

export type SpaceToBatchNDOptions = Record<never, never>;

export type BatchToSpaceNDOptions = Record<never, never>;

export interface SkipGramOptions {
  ngramSize?: number;
  maxSkipSize?: number;
  includeAllNgrams?: boolean;
}

export interface SpaceToDepthOptions {
  blockSize?: number;
}

export interface DepthToSpaceOptions {
  blockSize?: number;
}

export interface SubOptions {
  fusedActivationFunction?: number;
  potScaleInt16?: boolean;
}

export interface DivOptions {
  fusedActivationFunction?: number;
}

export type TopKV2Options = Record<never, never>;

export interface EmbeddingLookupSparseOptions {
  combiner?: number;
}

export interface GatherOptions {
  axis?: number;
  batchDims?: number;
}

export type TransposeOptions = Record<never, never>;

export type ExpOptions = Record<never, never>;

export type CosOptions = Record<never, never>;

export interface ReducerOptions {
  keepDims?: boolean;
}

export interface SqueezeOptions {
  squeezeDims?: Int32Array;
}

export interface SplitOptions {
  numSplits?: number;
}

export interface SplitVOptions {
  numSplits?: number;
}

export interface StridedSliceOptions {
  beginMask?: number;
  endMask?: number;
  ellipsisMask?: number;
  newAxisMask?: number;
  shrinkAxisMask?: number;
  offset?: boolean;
}

export type LogSoftmaxOptions = Record<never, never>;

export interface CastOptions {
  inDataType?: number;
  outDataType?: number;
}

export type DequantizeOptions = Record<never, never>;

export type MaximumMinimumOptions = Record<never, never>;

export type TileOptions = Record<never, never>;

export interface ArgMaxOptions {
  outputType?: number;
}

export interface ArgMinOptions {
  outputType?: number;
}

export type GreaterOptions = Record<never, never>;

export type GreaterEqualOptions = Record<never, never>;

export type LessOptions = Record<never, never>;

export type LessEqualOptions = Record<never, never>;

export type NegOptions = Record<never, never>;

export type SelectOptions = Record<never, never>;

export type SliceOptions = Record<never, never>;

export interface TransposeConvOptions {
  padding?: number;
  strideW?: number;
  strideH?: number;
  fusedActivationFunction?: number;
  quantizedBiasType?: number;
}

export type ExpandDimsOptions = Record<never, never>;

export interface SparseToDenseOptions {
  validateIndices?: boolean;
}

export type EqualOptions = Record<never, never>;

export type NotEqualOptions = Record<never, never>;

export interface ShapeOptions {
  outType?: number;
}

export type RankOptions = Record<never, never>;

export type PowOptions = Record<never, never>;

export interface FakeQuantOptions {
  min?: number;
  max?: number;
  numBits?: number;
  narrowRange?: boolean;
}

export interface PackOptions {
  valuesCount?: number;
  axis?: number;
}

export type LogicalOrOptions = Record<never, never>;

export interface OneHotOptions {
  axis?: number;
}

export type AbsOptions = Record<never, never>;

export type HardSwishOptions = Record<never, never>;

export type LogicalAndOptions = Record<never, never>;

export type LogicalNotOptions = Record<never, never>;

export interface UnpackOptions {
  num?: number;
  axis?: number;
}

export type FloorDivOptions = Record<never, never>;

export type SquareOptions = Record<never, never>;

export type ZerosLikeOptions = Record<never, never>;

export type FillOptions = Record<never, never>;

export type FloorModOptions = Record<never, never>;

export type RangeOptions = Record<never, never>;

export interface LeakyReluOptions {
  alpha?: number;
}

export type SquaredDifferenceOptions = Record<never, never>;

export interface MirrorPadOptions {
  mode?: number;
}

export interface UniqueOptions {
  idxOutType?: number;
}

export type ReverseV2Options = Record<never, never>;

export type AddNOptions = Record<never, never>;

export type GatherNdOptions = Record<never, never>;

export type WhereOptions = Record<never, never>;

export interface ReverseSequenceOptions {
  seqDim?: number;
  batchDim?: number;
}

export type MatrixDiagOptions = Record<never, never>;

export type QuantizeOptions = Record<never, never>;

export type MatrixSetDiagOptions = Record<never, never>;

export interface IfOptions {
  thenSubgraphIndex?: number;
  elseSubgraphIndex?: number;
}

export interface CallOnceOptions {
  initSubgraphIndex?: number;
}

export interface WhileOptions {
  condSubgraphIndex?: number;
  bodySubgraphIndex?: number;
}

export type NonMaxSuppressionV4Options = Record<never, never>;

export type NonMaxSuppressionV5Options = Record<never, never>;

export type ScatterNdOptions = Record<never, never>;

export type SelectV2Options = Record<never, never>;

export type DensifyOptions = Record<never, never>;

export type SegmentSumOptions = Record<never, never>;

export interface BatchMatMulOptions {
  adjX?: boolean;
  adjY?: boolean;
  asymmetricQuantizeInputs?: boolean;
}

export interface CumsumOptions {
  exclusive?: boolean;
  reverse?: boolean;
}

export type BroadcastToOptions = Record<never, never>;

export type Rfft2dOptions = Record<never, never>;

export interface HashtableOptions {
  tableId?: number;
  keyDtype?: number;
  valueDtype?: number;
}

export type HashtableFindOptions = Record<never, never>;

export type HashtableImportOptions = Record<never, never>;

export type HashtableSizeOptions = Record<never, never>;

export interface VarHandleOptions {
  container?: string;
  sharedName?: string;
}

export type ReadVariableOptions = Record<never, never>;

export type AssignVariableOptions = Record<never, never>;

export interface RandomOptions {
  seed?: bigint;
  seed2?: bigint;
}

export interface BucketizeOptions {
  boundaries?: Float32Array;
}

export interface GeluOptions {
  approximate?: boolean;
}

export type DynamicUpdateSliceOptions = Record<never, never>;

export type UnsortedSegmentProdOptions = Record<never, never>;

export type UnsortedSegmentMaxOptions = Record<never, never>;

export type UnsortedSegmentSumOptions = Record<never, never>;

export type ATan2Options = Record<never, never>;

export type UnsortedSegmentMinOptions = Record<never, never>;

export type SignOptions = Record<never, never>;

export type BitcastOptions = Record<never, never>;

export type BitwiseXorOptions = Record<never, never>;

export type RightShiftOptions = Record<never, never>;

export type DilateOptions = Record<never, never>;

export interface ReduceWindowOptions {
  reduceFunction?: number;
}

export interface OperatorCodeRecord {
  deprecatedBuiltinCode?: number;
  customCode?: string;
  version?: number;
  builtinCode?: number;
}

export interface StableHLOCompositeOptions {
  name?: string;
  decompositionSubgraphIndex?: number;
  compositeAttributes?: Uint8Array;
  compositeAttributesFormat?: number;
  version?: number;
}

export type StablehloShiftLeftOptions = Record<never, never>;

export interface OperatorRecord {
  opcodeIndex?: number;
  inputs?: Int32Array;
  outputs?: Int32Array;
  builtinOptions?: BuiltinOptions;
  customOptions?: Uint8Array;
  customOptionsFormat?: number;
  mutatingVariableInputs?: Uint8Array;
  intermediates?: Int32Array;
  largeCustomOptionsOffset?: bigint;
  largeCustomOptionsSize?: bigint;
  builtinOptions2?: BuiltinOptions2;
  debugMetadataIndex?: number;
}

export interface SubGraphRecord {
  tensors?: TensorRecord[];
  inputs?: Int32Array;
  outputs?: Int32Array;
  operators?: OperatorRecord[];
  name?: string;
  debugMetadataIndex?: number;
}

export interface BufferRecord {
  data?: Uint8Array;
  offset?: bigint;
  size?: bigint;
}

export interface ExternalBufferGroupRecord {
  name?: string;
}

export interface ExternalBufferRecord {
  id?: number;
  group?: number;
  offset?: bigint;
  length?: bigint;
  packing?: string;
}

export interface MetadataRecord {
  name?: string;
  buffer?: number;
}

export interface TensorMapRecord {
  name?: string;
  tensorIndex?: number;
}

export interface SignatureDefRecord {
  inputs?: TensorMapRecord[];
  outputs?: TensorMapRecord[];
  signatureKey?: string;
  deprecatedTag?: string;
  subgraphIndex?: number;
}

export interface ModelRecord {
  version?: number;
  operatorCodes?: OperatorCodeRecord[];
  subgraphs?: SubGraphRecord[];
  description?: string;
  buffers?: BufferRecord[];
  metadataBuffer?: Int32Array;
  metadata?: MetadataRecord[];
  signatureDefs?: SignatureDefRecord[];
  externalBufferGroups?: ExternalBufferGroupRecord[];
  externalBuffers?: ExternalBufferRecord[];
}
