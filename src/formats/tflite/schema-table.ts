/** Made by scripts/tflite-schema.ts from the TFLite schema; not to be edited. */

/** Unions, then tables, one a line, as formats/flatbuffer/schema.ts reads them. */
export const schemaText = `|QuantizationDetails CustomQuantization BlockwiseQuantization MultiAxisQuantization
|SparseIndexVector Int32Vector Uint16Vector Uint8Vector
|BuiltinOptions Conv2DOptions DepthwiseConv2DOptions ConcatEmbeddingsOptions LSHProjectionOptions Pool2DOptions SVDFOptions RNNOptions FullyConnectedOptions SoftmaxOptions ConcatenationOptions AddOptions L2NormOptions LocalResponseNormalizationOptions LSTMOptions ResizeBilinearOptions CallOptions ReshapeOptions SkipGramOptions SpaceToDepthOptions EmbeddingLookupSparseOptions MulOptions PadOptions GatherOptions BatchToSpaceNDOptions SpaceToBatchNDOptions TransposeOptions ReducerOptions SubOptions DivOptions SqueezeOptions SequenceRNNOptions StridedSliceOptions ExpOptions TopKV2Options SplitOptions LogSoftmaxOptions CastOptions DequantizeOptions MaximumMinimumOptions ArgMaxOptions LessOptions NegOptions PadV2Options GreaterOptions GreaterEqualOptions LessEqualOptions SelectOptions SliceOptions TransposeConvOptions SparseToDenseOptions TileOptions ExpandDimsOptions EqualOptions NotEqualOptions ShapeOptions PowOptions ArgMinOptions FakeQuantOptions PackOptions LogicalOrOptions OneHotOptions LogicalAndOptions LogicalNotOptions UnpackOptions FloorDivOptions SquareOptions ZerosLikeOptions FillOptions BidirectionalSequenceLSTMOptions BidirectionalSequenceRNNOptions UnidirectionalSequenceLSTMOptions FloorModOptions RangeOptions ResizeNearestNeighborOptions LeakyReluOptions SquaredDifferenceOptions MirrorPadOptions AbsOptions SplitVOptions UniqueOptions ReverseV2Options AddNOptions GatherNdOptions CosOptions WhereOptions RankOptions ReverseSequenceOptions MatrixDiagOptions QuantizeOptions MatrixSetDiagOptions HardSwishOptions IfOptions WhileOptions DepthToSpaceOptions NonMaxSuppressionV4Options NonMaxSuppressionV5Options ScatterNdOptions SelectV2Options DensifyOptions SegmentSumOptions BatchMatMulOptions CumsumOptions CallOnceOptions BroadcastToOptions Rfft2dOptions Conv3DOptions HashtableOptions HashtableFindOptions HashtableImportOptions HashtableSizeOptions VarHandleOptions ReadVariableOptions AssignVariableOptions RandomOptions BucketizeOptions GeluOptions DynamicUpdateSliceOptions UnsortedSegmentProdOptions UnsortedSegmentMaxOptions UnsortedSegmentMinOptions UnsortedSegmentSumOptions ATan2Options SignOptions BitcastOptions BitwiseXorOptions RightShiftOptions
|BuiltinOptions2 StablehloConcatenateOptions StablehloBroadcastInDimOptions StablehloSliceOptions StablehloConvolutionOptions StablehloCustomCallOptions StablehloReduceOptions StablehloScatterOptions StablehloCompareOptions StablehloDynamicSliceOptions StablehloPadOptions StablehloIotaOptions StablehloDotGeneralOptions StablehloReduceWindowOptions StablehloSortOptions StablehloWhileOptions StablehloGatherOptions StablehloTransposeOptions DilateOptions StablehloRngBitGeneratorOptions ReduceWindowOptions StableHLOCompositeOptions StablehloShiftLeftOptions StablehloCaseOptions
CustomQuantization custom:[B%16
BlockwiseQuantization scales:i zeroPoints:i blockSize:i
MultiAxisQuantization scales:i zeroPoints:i blockSize:i quantizedDimensions:[i
QuantizationParameters min:[f max:[f scale:[f zeroPoint:[q details:|QuantizationDetails quantizedDimension:i
Int32Vector values:[i
Uint16Vector values:[H%4
Uint8Vector values:[B%4
DimensionMetadata format:b denseSize:i arraySegments:|SparseIndexVector arrayIndices:|SparseIndexVector
SparsityParameters traversalOrder:[i blockMap:[i dimMetadata:[@DimensionMetadata
VariantSubType shape:[i type:b hasRank:?
Tensor shape:[i type:b buffer:I name:s quantization:@QuantizationParameters isVariable:? sparsity:@SparsityParameters shapeSignature:[i hasRank:? variantTensors:[@VariantSubType externalBuffer:I
StablehloGatherOptions offsetDims:[q collapsedSliceDims:[q startIndexMap:[q indexVectorDim:q sliceSizes:[q indicesAreSorted:?
StablehloTransposeOptions permutation:[q
StablehloDotGeneralOptions lhsBatchingDimensions:[q rhsBatchingDimensions:[q lhsContractingDimensions:[q rhsContractingDimensions:[q precisionConfig:[I
StablehloReduceWindowOptions windowDimensions:[q windowStrides:[q baseDilations:[q windowDilations:[q padding:[q bodySubgraphIndex:i
StablehloWhileOptions condSubgraphIndex:i bodySubgraphIndex:i
StablehloSortOptions dimension:q isStable:? comparatorSubgraphIndex:i
StablehloConcatenateOptions dimension:q
StablehloBroadcastInDimOptions broadcastDimensions:[q
StablehloCompareOptions comparisonDirection:I compareType:I
StablehloDynamicSliceOptions sliceSizes:[q
StablehloPadOptions edgePaddingLow:[q edgePaddingHigh:[q interiorPadding:[q
StablehloIotaOptions iotaDimension:q
StablehloCustomCallOptions callTargetName:s hasSideEffect:? backendConfig:s apiVersion:i calledComputations:[i customAttributes:[B
StablehloReduceOptions dimensions:[q bodySubgraphIndex:i
StablehloSliceOptions startIndices:[q limitIndices:[q strides:[q
StablehloConvolutionOptions windowStrides:[q padding:[q lhsDilation:[q rhsDilation:[q windowReversal:[? inputBatchDimension:q inputFeatureDimension:q inputSpatialDimensions:[q kernelInputFeatureDimension:q kernelOutputFeatureDimension:q kernelSpatialDimensions:[q outputBatchDimension:q outputFeatureDimension:q outputSpatialDimensions:[q featureGroupCount:q batchGroupCount:q precisionConfig:[I
StablehloScatterOptions indicesAreSorted:? updateWindowDims:[q insertedWindowDims:[q scatterDimsToOperandDims:[q indexVectorDim:q uniqueIndices:? updateComputationSubgraphIndex:i
StablehloCaseOptions branchSubgraphIndices:[i
StablehloRngBitGeneratorOptions algorithm:b
Conv2DOptions padding:b strideW:i strideH:i fusedActivationFunction:b dilationWFactor:i=1 dilationHFactor:i=1 quantizedBiasType:b
Conv3DOptions padding:b strideD:i strideW:i strideH:i fusedActivationFunction:b dilationDFactor:i=1 dilationWFactor:i=1 dilationHFactor:i=1
Pool2DOptions padding:b strideW:i strideH:i filterWidth:i filterHeight:i fusedActivationFunction:b
DepthwiseConv2DOptions padding:b strideW:i strideH:i depthMultiplier:i fusedActivationFunction:b dilationWFactor:i=1 dilationHFactor:i=1
ConcatEmbeddingsOptions numChannels:i numColumnsPerChannel:[i embeddingDimPerChannel:[i
LSHProjectionOptions type:b
SVDFOptions rank:i fusedActivationFunction:b asymmetricQuantizeInputs:?
RNNOptions fusedActivationFunction:b asymmetricQuantizeInputs:?
SequenceRNNOptions timeMajor:? fusedActivationFunction:b asymmetricQuantizeInputs:?
BidirectionalSequenceRNNOptions timeMajor:? fusedActivationFunction:b mergeOutputs:? asymmetricQuantizeInputs:?
FullyConnectedOptions fusedActivationFunction:b weightsFormat:b keepNumDims:? asymmetricQuantizeInputs:? quantizedBiasType:b
SoftmaxOptions beta:f
ConcatenationOptions axis:i fusedActivationFunction:b
AddOptions fusedActivationFunction:b potScaleInt16:?=1
MulOptions fusedActivationFunction:b
L2NormOptions fusedActivationFunction:b
LocalResponseNormalizationOptions radius:i bias:f alpha:f beta:f
LSTMOptions fusedActivationFunction:b cellClip:f projClip:f kernelType:b asymmetricQuantizeInputs:?
UnidirectionalSequenceLSTMOptions fusedActivationFunction:b cellClip:f projClip:f timeMajor:? asymmetricQuantizeInputs:? diagonalRecurrentTensors:?
BidirectionalSequenceLSTMOptions fusedActivationFunction:b cellClip:f projClip:f mergeOutputs:? timeMajor:?=1 asymmetricQuantizeInputs:?
ResizeBilinearOptions newHeight:i newWidth:i alignCorners:? halfPixelCenters:?
ResizeNearestNeighborOptions alignCorners:? halfPixelCenters:?
CallOptions subgraph:I
PadOptions
PadV2Options
ReshapeOptions newShape:[i
SpaceToBatchNDOptions
BatchToSpaceNDOptions
SkipGramOptions ngramSize:i maxSkipSize:i includeAllNgrams:?
SpaceToDepthOptions blockSize:i
DepthToSpaceOptions blockSize:i
SubOptions fusedActivationFunction:b potScaleInt16:?=1
DivOptions fusedActivationFunction:b
TopKV2Options
EmbeddingLookupSparseOptions combiner:b
GatherOptions axis:i batchDims:i
TransposeOptions
ExpOptions
CosOptions
ReducerOptions keepDims:?
SqueezeOptions squeezeDims:[i
SplitOptions numSplits:i
SplitVOptions numSplits:i
StridedSliceOptions beginMask:i endMask:i ellipsisMask:i newAxisMask:i shrinkAxisMask:i offset:?
LogSoftmaxOptions
CastOptions inDataType:b outDataType:b
DequantizeOptions
MaximumMinimumOptions
TileOptions
ArgMaxOptions outputType:b
ArgMinOptions outputType:b
GreaterOptions
GreaterEqualOptions
LessOptions
LessEqualOptions
NegOptions
SelectOptions
SliceOptions
TransposeConvOptions padding:b strideW:i strideH:i fusedActivationFunction:b quantizedBiasType:b
ExpandDimsOptions
SparseToDenseOptions validateIndices:?
EqualOptions
NotEqualOptions
ShapeOptions outType:b
RankOptions
PowOptions
FakeQuantOptions min:f max:f numBits:i narrowRange:?
PackOptions valuesCount:i axis:i
LogicalOrOptions
OneHotOptions axis:i
AbsOptions
HardSwishOptions
LogicalAndOptions
LogicalNotOptions
UnpackOptions num:i axis:i
FloorDivOptions
SquareOptions
ZerosLikeOptions
FillOptions
FloorModOptions
RangeOptions
LeakyReluOptions alpha:f
SquaredDifferenceOptions
MirrorPadOptions mode:b
UniqueOptions idxOutType:b=2
ReverseV2Options
AddNOptions
GatherNdOptions
WhereOptions
ReverseSequenceOptions seqDim:i batchDim:i
MatrixDiagOptions
QuantizeOptions
MatrixSetDiagOptions
IfOptions thenSubgraphIndex:i elseSubgraphIndex:i
CallOnceOptions initSubgraphIndex:i
WhileOptions condSubgraphIndex:i bodySubgraphIndex:i
NonMaxSuppressionV4Options
NonMaxSuppressionV5Options
ScatterNdOptions
SelectV2Options
DensifyOptions
SegmentSumOptions
BatchMatMulOptions adjX:? adjY:? asymmetricQuantizeInputs:?
CumsumOptions exclusive:? reverse:?
BroadcastToOptions
Rfft2dOptions
HashtableOptions tableId:i keyDtype:b valueDtype:b
HashtableFindOptions
HashtableImportOptions
HashtableSizeOptions
VarHandleOptions container:s sharedName:s
ReadVariableOptions
AssignVariableOptions
RandomOptions seed:q seed2:q
BucketizeOptions boundaries:[f
GeluOptions approximate:?
DynamicUpdateSliceOptions
UnsortedSegmentProdOptions
UnsortedSegmentMaxOptions
UnsortedSegmentSumOptions
ATan2Options
UnsortedSegmentMinOptions
SignOptions
BitcastOptions
BitwiseXorOptions
RightShiftOptions
DilateOptions
ReduceWindowOptions reduceFunction:i
OperatorCode deprecatedBuiltinCode:b customCode:s version:i=1 builtinCode:i
StableHLOCompositeOptions name:s decompositionSubgraphIndex:i compositeAttributes:[B compositeAttributesFormat:b version:i
StablehloShiftLeftOptions
Operator opcodeIndex:I inputs:[i outputs:[i builtinOptions:|BuiltinOptions customOptions:[B customOptionsFormat:b mutatingVariableInputs:[? intermediates:[i largeCustomOptionsOffset:Q largeCustomOptionsSize:Q builtinOptions2:|BuiltinOptions2 debugMetadataIndex:i=-1
SubGraph tensors:[@Tensor inputs:[i outputs:[i operators:[@Operator name:s debugMetadataIndex:i=-1
Buffer data:[B%16 offset:Q size:Q
ExternalBufferGroup name:s
ExternalBuffer id:I group:I offset:Q length:Q packing:s
Metadata name:s buffer:I
TensorMap name:s tensorIndex:I
SignatureDef inputs:[@TensorMap outputs:[@TensorMap signatureKey:s deprecatedTag:s subgraphIndex:I
Model version:I operatorCodes:[@OperatorCode subgraphs:[@SubGraph description:s buffers:[@Buffer metadataBuffer:[i metadata:[@Metadata signatureDefs:[@SignatureDef externalBufferGroups:[@ExternalBufferGroup externalBuffers:[@ExternalBuffer`;

/** Element types, by number. */
export const tensorTypes: readonly string[] =
  'FLOAT32 FLOAT16 INT32 UINT8 INT64 STRING BOOL INT16 COMPLEX64 INT8 FLOAT64 COMPLEX128 UINT64 RESOURCE VARIANT UINT32 UINT16 INT4 BFLOAT16 INT2 UINT4 FLOAT8_E4M3FN FLOAT8_E5M2'.split(
    ' ',
  );

/** Built-in operators, by number. */
export const builtinOperators: readonly string[] =
  'ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE'.split(
    ' ',
  );

export const DimensionType = {
  DENSE: 0,
  SPARSE_CSR: 1,
} as const;

export const StablehloPrecisionConfig = {
  DEFAULT: 0,
  HIGH: 1,
  HIGHEST: 2,
} as const;

export const StablehloComparisonDirection = {
  STABLEHLO_COMPARISON_DIRECTION_EQ: 0,
  STABLEHLO_COMPARISON_DIRECTION_NE: 1,
  STABLEHLO_COMPARISON_DIRECTION_GE: 2,
  STABLEHLO_COMPARISON_DIRECTION_GT: 3,
  STABLEHLO_COMPARISON_DIRECTION_LE: 4,
  STABLEHLO_COMPARISON_DIRECTION_LT: 5,
} as const;

export const StablehloComparisonType = {
  STABLEHLO_COMPARISON_TYPE_NOTYPE: 0,
  STABLEHLO_COMPARISON_TYPE_FLOAT: 1,
  STABLEHLO_COMPARISON_TYPE_FLOAT_TOTAL_ORDER: 2,
  STABLEHLO_COMPARISON_TYPE_SIGNED: 3,
  STABLEHLO_COMPARISON_TYPE_UNSIGNED: 4,
} as const;

export const RngAlgorithm = {
  DEFAULT: 0,
  PHILOX: 1,
  THREEFRY: 2,
} as const;

export const Padding = {
  SAME: 0,
  VALID: 1,
} as const;

export const ActivationFunctionType = {
  NONE: 0,
  RELU: 1,
  RELU_N1_TO_1: 2,
  RELU6: 3,
  TANH: 4,
  SIGN_BIT: 5,
} as const;

export const LSHProjectionType = {
  UNKNOWN: 0,
  SPARSE: 1,
  DENSE: 2,
} as const;

export const FullyConnectedOptionsWeightsFormat = {
  DEFAULT: 0,
  SHUFFLED4x16INT8: 1,
} as const;

export const LSTMKernelType = {
  FULL: 0,
  BASIC: 1,
} as const;

export const CombinerType = {
  SUM: 0,
  MEAN: 1,
  SQRTN: 2,
} as const;

export const MirrorPadMode = {
  REFLECT: 0,
  SYMMETRIC: 1,
} as const;

export const ReduceWindowFunction = {
  UNSUPPORTED: 0,
  ADD: 1,
  MUL: 2,
  MINIMUM: 3,
  MAXIMUM: 4,
  ALL: 5,
  ANY: 6,
} as const;

export const CustomOptionsFormat = {
  FLEXBUFFERS: 0,
} as const;
