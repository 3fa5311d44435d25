import { type DType, dtypes } from '../../../core/dtype.ts';

/** What the schema of an operator allows from a version on, made of the schemas of onnx 1.23. One line an operator;
 *  versions apart by a space: `since/inputs/input types/output types/attributes`, an empty field as before,
 *  `-` for a version that took the operator away. Types are sets of bits (base 36) in the order of `dtypes`, 0 for
 *  anything; `*` ends inputs that repeat the last one; attributes are `name` or `name=default`. */
const text = `
Abs 6/1-1/60v/60v/. 13//vb3/vb3
Acos 7/1-1/16p/16p/. 22//qgx/qgx
Acosh 9/1-1/16p/16p/. 22//qgx/qgx
Add 7/2-2/601,601/601/. 13//va9,va9/va9 14//vb3,vb3/vb3
AffineGrid 20/2-2/qgx,1s/qgx/align_corners=0
And 7/2-2/74,74/74/.
ArgMax 1/1-1/60v/1s/axis=0,keepdims=1 11 12////axis=0,keepdims=1,select_last_index=0 13//vb3
ArgMin 1/1-1/60v/1s/axis=0,keepdims=1 11 12////axis=0,keepdims=1,select_last_index=0 13//vb3
Asin 7/1-1/16p/16p/. 22//qgx/qgx
Asinh 9/1-1/16p/16p/. 22//qgx/qgx
Atan 7/1-1/16p/16p/. 22//qgx/qgx
Atanh 9/1-1/16p/16p/. 22//qgx/qgx
Attention 23/3-6/qgx,qgx,qgx,vi7,qgx,qgx/qgx,qgx,qgx,qgx/is_causal=0,kv_num_heads,q_num_heads,qk_matmul_output_mode=0,scale,softcap=0,softmax_precision 24/3-7/qgx,qgx,qgx,vi7,qgx,qgx,1s 25////is_causal=0,kv_num_heads,left_window_size=-1,q_num_heads,qk_matmul_output_mode=0,right_window_size=-1,scale,softcap=0,softmax_precision
AveragePool 7/1-1/16p/16p/auto_pad=NOTSET,count_include_pad=0,kernel_shape,pads,strides 10////auto_pad=NOTSET,ceil_mode=0,count_include_pad=0,kernel_shape,pads,strides 11 19////auto_pad=NOTSET,ceil_mode=0,count_include_pad=0,dilations,kernel_shape,pads,strides 22//qgx/qgx
BatchNormalization 7/5-5/16p,16p,16p,16p,16p/16p,16p,16p,16p,16p/epsilon=9.99999975e-06,momentum=0.899999976,spatial=1 9////epsilon=9.99999975e-06,momentum=0.899999976 14//qgx,qgx,qgx,qgx,qgx/qgx,qgx,qgx/epsilon=9.99999975e-06,momentum=0.899999976,training_mode=0 15
Bernoulli 15/1-1/16p/vi7/dtype,seed 22//qgx
BitCast 26/1-1/13ydfj/13ydfj/to
BitShift 11/2-2/4qy,4qy/4qy/direction
BitwiseAnd 18/2-2/4u6,4u6/4u6/.
BitwiseNot 18/1-1/4u6/4u6/.
BitwiseOr 18/2-2/4u6,4u6/4u6/.
BitwiseXor 18/2-2/4u6,4u6/4u6/.
BlackmanWindow 17/1-1/2o/vb3/output_datatype=1,periodic=1
Cast 6/1-1/67z/67z/to 9//6bj/6bj 13//vlr/vlr 19//ly4f/ly4f/saturate=1,to 21//2hddr/2hddr 23//4z9q7/4z9q7 24//9z2f3/9z2f3/round_mode=up,saturate=1,to 25//13xukf/13xukf
CastLike 15/2-2/vlr,vlr/vlr/. 19//ly4f,ly4f/ly4f/saturate=1 21//2hddr,2hddr/2hddr 23//4z9q7,4z9q7/4z9q7 24//9z2f3,9z2f3/9z2f3/round_mode=up,saturate=1 25//13xukf,13xukf/13xukf
CausalConvWithState 27/2-4/poh,poh,poh,poh/poh,poh/activation=none
Ceil 6/1-1/16p/16p/. 13//qgx/qgx
Celu 12/1-1/1/1/alpha=1
CenterCropPad 18/2-2/1ekf,2o/1ekf/axes
Clip 6/1-1/16p/16p/max=3.40282347e+38,min=-3.40282347e+38 11/1-3/16p,16p,16p//. 12//60v,60v,60v/60v 13//vb3,vb3,vb3/vb3
Col2Im 18/3-3/1ekf,1s,1s/1ekf/dilations,pads,strides
Compress 9/2-2/pa7,74/pa7/axis 11
Concat 4/1-1*/pa7/pa7/axis 11 13//1ekf/1ekf
ConcatFromSequence 11/1-1/0/pa7/axis,new_axis=0
Constant 1/0-0//16p/value 9///pa7 11////sparse_value,value 12////sparse_value,value,value_float,value_floats,value_int,value_ints,value_string,value_strings 13///1ekf 19///mh33 21///2hwcf 23///4zsov 24///9zldr 25///13ydj3
ConstantOfShape 9/1-1/1s/67z/value 20///ly0v 21///2hda7 23///4z9mn 24///9z2bj 25///13xugv
Conv 1/2-3/16p,16p,16p/16p/auto_pad=NOTSET,dilations,group=1,kernel_shape,pads,strides 11 22//qgx,qgx,qgx/qgx
ConvInteger 10/2-4/6,6,6,6/w/auto_pad=NOTSET,dilations,group=1,kernel_shape,pads,strides
ConvTranspose 1/2-3/16p,16p,16p/16p/auto_pad=NOTSET,dilations,group=1,kernel_shape,output_padding,output_shape,pads,strides 11 22//qgx,qgx,qgx/qgx
Cos 7/1-1/16p/16p/. 22//qgx/qgx
Cosh 9/1-1/16p/16p/. 22//qgx/qgx
CumProd 26/2-2/va9,2o/va9/exclusive=0,reverse=0
CumSum 11/2-2/5lt,2o/5lt/exclusive=0,reverse=0 14//va9,2o/va9
DFT 17/1-2/qgx,2o/qgx/axis=1,inverse=0,onesided=0 20/1-3/qgx,2o,1s//inverse=0,onesided=0
DeformConv 19/3-5/16p,16p,16p,16p,16p/16p/dilations,group=1,kernel_shape,offset_group=1,pads,strides 22//qgx,qgx,qgx,qgx,qgx/qgx
DepthToSpace 1/1-1/pa7/pa7/blocksize 11////blocksize,mode=DCR 13//1ekf/1ekf
DequantizeLinear 10/2-3/12,1,12/1/. 13////axis=1 19//l2jq,poh,l2jq/poh 21//2ghtq,poh,2ghtq//axis=1,block_size=0 23//4ye66,poh,4ye66//axis=1,block_size=0,output_dtype=0 24//4ye66,50idd,4ye66 25//yx6bi,50idd,yx6bi
Det 11/1-1/16p/16p/. 22//qgx/qgx
Div 7/2-2/601,601/601/. 13//va9,va9/va9 14//vb3,vb3/vb3
Dropout 7/1-1/16p/16p,16p/ratio=0.5 10///16p,74 12/1-3/16p,16p,74//seed 13//qgx,16p,74/qgx,74 22//lszl,lszl,74/lszl,74
DynamicQuantizeLinear 11/1-1/1/2,1,2/.
Einsum 12/1-1*/60v/60v/equation
Elu 6/1-1/16p/16p/alpha=1 22//qgx/qgx
Equal 7/2-2/9s,9s/74/. 11//67z,67z 13//vi7,vi7 19//vlr,vlr
Erf 9/1-1/60v/60v/. 13//qgx/qgx
Exp 6/1-1/16p/16p/. 13//qgx/qgx
Expand 8/2-2/pa7,1s/pa7/. 13//1ekf,1s/1ekf
EyeLike 9/1-1/67z/67z/dtype,k=0 22//vi7/vi7
Flatten 1/1-1/16p/16p/axis=1 9//pa7/pa7 11 13//1ekf/1ekf 21//2hwcf/2hwcf 23//4zsov/4zsov 24//9zldr/9zldr 25//13ydj3/13ydj3
Floor 6/1-1/16p/16p/. 13//qgx/qgx
GRU 7/3-6/16p,16p,16p,16p,w,16p/16p,16p/activation_alpha,activation_beta,activations,clip,direction=forward,hidden_size,linear_before_reset=0 14////activation_alpha,activation_beta,activations,clip,direction=forward,hidden_size,layout=0,linear_before_reset=0 22//qgx,qgx,qgx,qgx,w,qgx/qgx,qgx
Gather 1/2-2/pa7,2o/pa7/axis=0 11 13//1ekf,2o/1ekf
GatherElements 11/2-2/pa7,2o/pa7/axis=0 13//1ekf,2o/1ekf
GatherND 11/2-2/pa7,1s/pa7/. 12////batch_dims=0 13//1ekf,1s/1ekf
Gelu 20/1-1/qgx/qgx/approximate=none
Gemm 7/3-3/16p,16p,16p/16p/alpha=1,beta=1,transA=0,transB=0 9//601,601,601/601 11/2-3 13//va9,va9,va9/va9
GlobalAveragePool 1/1-1/16p/16p/. 22//qgx/qgx
GlobalLpPool 2/1-1/16p/16p/p=2 22//qgx/qgx
GlobalMaxPool 1/1-1/16p/16p/. 22//qgx/qgx
Greater 7/2-2/16p,16p/74/. 9//60v,60v 13//vb3,vb3
GreaterOrEqual 12/2-2/60v,60v/74/. 16//vb3,vb3
GridSample 16/2-2/pa7,16p/pa7/align_corners=0,mode=bilinear,padding_mode=zeros 20////align_corners=0,mode=linear,padding_mode=zeros 22//1ekf,qgx/1ekf
GroupNormalization 18/- 21/3-3/qgx,qgx,qgx/qgx/epsilon=9.99999975e-06,num_groups,stash_type=1
HammingWindow 17/1-1/2o/vb3/output_datatype=1,periodic=1
HannWindow 17/1-1/2o/vb3/output_datatype=1,periodic=1
HardSigmoid 6/1-1/16p/16p/alpha=0.200000003,beta=0.5 22//qgx/qgx
HardSwish 14/1-1/16p/16p/. 22//qgx/qgx
Hardmax 1/1-1/16p/16p/axis=1 11 13//qgx/qgx/axis=-1
Identity 1/1-1/pa7/pa7/. 13//1ekf/1ekf 14//0/0 16 19 21 23 24 25
If 1/1-1/74/pa7/else_branch,then_branch 11 13///0 16 19 21 23 24 25
ImageDecoder 20/1-1/2/2/pixel_format=RGB
InstanceNormalization 6/3-3/16p,16p,16p/16p/epsilon=9.99999975e-06 22//qgx,qgx,qgx/qgx
IsInf 10/1-1/sh/74/detect_negative=1,detect_positive=1 20//lszl
IsNaN 9/1-1/16p/74/. 13//qgx 20//lszl
LRN 1/1-1/16p/16p/alpha=9.99999975e-05,beta=0.75,bias=1,size 13//qgx/qgx
LSTM 7/3-8/16p,16p,16p,16p,w,16p,16p,16p/16p,16p,16p/activation_alpha,activation_beta,activations,clip,direction=forward,hidden_size,input_forget=0 14////activation_alpha,activation_beta,activations,clip,direction=forward,hidden_size,input_forget=0,layout=0 22//qgx,qgx,qgx,qgx,w,qgx,qgx,qgx/qgx,qgx,qgx
LayerNormalization 17/2-3/qgx,qgx,qgx/qgx,pa9,pa9/axis=-1,epsilon=9.99999975e-06,stash_type=1
LeakyRelu 6/1-1/16p/16p/alpha=0.00999999978 16//qgx/qgx
Less 7/2-2/16p,16p/74/. 9//60v,60v 13//vb3,vb3
LessOrEqual 12/2-2/60v,60v/74/. 16//vb3,vb3
LinearAttention 27/3-6/poh,poh,poh,poh,poh,poh/poh,poh/chunk_size=64,kv_num_heads,q_num_heads,scale=0,update_rule=gated_delta
Log 6/1-1/16p/16p/. 13//qgx/qgx
LogSoftmax 1/1-1/16p/16p/axis=1 11 13//qgx/qgx/axis=-1
Loop 1/3-3*/1s,74,pa7/pa7/body 11/2-3* 13//1s,74,0/0 16 19 21 23 24 25
LpNormalization 1/1-1/16p/16p/axis=-1,p=2 22//qgx/qgx
LpPool 2/1-1/16p/16p/auto_pad=NOTSET,kernel_shape,p=2,pads,strides 11 18////auto_pad=NOTSET,ceil_mode=0,dilations,kernel_shape,p=2,pads,strides 22//qgx/qgx
MatMul 1/2-2/16p,16p/16p/. 9//601,601/601 13//va9,va9/va9
MatMulInteger 10/2-4/6,6,6,6/w/.
Max 6/1-1*/16p/16p/. 8 12//60v/60v 13//vb3/vb3
MaxPool 1/1-1/16p/16p/auto_pad=NOTSET,kernel_shape,pads,strides 8///16p,1s/auto_pad=NOTSET,kernel_shape,pads,storage_order=0,strides 10////auto_pad=NOTSET,ceil_mode=0,dilations,kernel_shape,pads,storage_order=0,strides 11 12//16v/16v,1s 22//qh3/qh3,1s
MaxRoiPool 1/2-2/16p,16p/16p/pooled_shape,spatial_scale=1 22//qgx,qgx/qgx
MaxUnpool 9/2-3/16p,1s,1s/16p/kernel_shape,pads,strides 11 22//qgx,1s,1s/qgx
Mean 6/1-1*/16p/16p/. 8 13//qgx/qgx
MeanVarianceNormalization 9/1-1/16p/16p/axes 13//qgx/qgx
MelWeightMatrix 17/5-5/2o,2o,2o,qgx,qgx/vb3/output_datatype=1
Min 6/1-1*/16p/16p/. 8 12//60v/60v 13//vb3/vb3
Mish 18/1-1/16p/16p/. 22//qgx/qgx
Mod 10/2-2/60v,60v/60v/fmod=0 13//vb3,vb3/vb3
Mul 7/2-2/601,601/601/. 13//va9,va9/va9 14//vb3,vb3/vb3
Multinomial 7/1-1/16p/2o/dtype=6,sample_size=1,seed 22//qgx
Neg 6/1-1/19x/19x/. 13//qk5/qk5
NegativeLogLikelihoodLoss 12/2-3/16p,2o,16p/16p/ignore_index,reduction=mean 13 22//qgx,2o,qgx/qgx
NonMaxSuppression 10/2-5/1,1,1s,1,1/1s/center_point_box=0 11
NonZero 9/1-1/pa7/1s/. 13//1ekf
Not 1/1-1/74/74/.
OneHot 9/3-3/60v,60v,pa7/pa7/axis=-1 11
Optional 15/0-1/0/0/type
OptionalGetElement 15/1-1/0/0/. 18
OptionalHasElement 15/1-1/0/74/. 18/0-1
Or 7/2-2/74,74/74/.
PRelu 7/2-2/16p,16p/16p/. 9//601,601/601 16//va9,va9/va9
Pad 2/1-1/16p/16p/mode=constant,pads,value=0 11/2-3/60v,1s,60v/60v/mode=constant 13//1ekf,1s,1ekf/1ekf 18/2-4/1ekf,1s,1ekf,2o 19 21//2hwcf,1s,2hwcf,2o/2hwcf 23//4zsov,1s,4zsov,2o/4zsov 24//9zldr,1s,9zldr,2o/9zldr 25//13ydj3,1s,13ydj3,2o/13ydj3
Pow 7/2-2/16p,16p/16p/. 12//19d,60v/19d 13//qjl,60v/qjl 15//qjl,vb3
QLinearConv 10/8-9/6,1,6,6,1,6,1,6,w/6/auto_pad=NOTSET,dilations,group=1,kernel_shape,pads,strides
QLinearMatMul 10/8-8/6,1,6,6,1,6,1,6/6/. 21//l2iu,poh,l2iu,l2iu,poh,l2iu,poh,l2iu/l2iu
QuantizeLinear 10/2-3/x,1,6/6/. 13////axis=1 19//ppd,ppd,l2iu/l2iu/axis=1,saturate=1 21//ppd,ppd,2ghsu/2ghsu/axis=1,block_size=0,output_dtype=0,saturate=1 23//ppd,ppd,4ye5a/4ye5a/axis=1,block_size=0,output_dtype=0,precision=0,saturate=1 24//ppd,50ie9,4ye5a 25//ppd,50ie9,yx6am/yx6am
RMSNormalization 23/2-2/qgx,qgx/qgx/axis=-1,epsilon=9.99999975e-06,stash_type=1
RNN 7/3-6/16p,16p,16p,16p,w,16p/16p,16p/activation_alpha,activation_beta,activations,clip,direction=forward,hidden_size 14////activation_alpha,activation_beta,activations,clip,direction=forward,hidden_size,layout=0 22//qgx,qgx,qgx,qgx,w,qgx/qgx,qgx
RandomNormal 1/0-0//16p/dtype=1,mean=0,scale=1,seed,shape 22///qgx
RandomNormalLike 1/1-1/pa7/16p/dtype,mean=0,scale=1,seed 22//1ekf/qgx
RandomUniform 1/0-0//16p/dtype=1,high=1,low=0,seed,shape 22///qgx
RandomUniformLike 1/1-1/pa7/16p/dtype,high=1,low=0,seed 22//1ekf/qgx
Range 11/3-3/vl,vl,vl/vl/. 27//qk1,qk1,qk1/qk1/stash_type=1
Reciprocal 6/1-1/16p/16p/. 13//qgx/qgx
ReduceL1 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
ReduceL2 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
ReduceLogSum 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
ReduceLogSumExp 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
ReduceMax 1/1-1/601/601/axes,keepdims=1 11 12//607/607 13//vaf/vaf 18/1-2/vaf,1s//keepdims=1,noop_with_empty_axes=0 20//vhj,1s/vhj
ReduceMean 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
ReduceMin 1/1-1/601/601/axes,keepdims=1 11 12//607/607 13//vaf/vaf 18/1-2/vaf,1s//keepdims=1,noop_with_empty_axes=0 20//vhj,1s/vhj
ReduceProd 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
ReduceSum 1/1-1/601/601/axes,keepdims=1 11 13/1-2/va9,1s/va9/keepdims=1,noop_with_empty_axes=0
ReduceSumSquare 1/1-1/601/601/axes,keepdims=1 11 13//va9/va9 18/1-2/va9,1s//keepdims=1,noop_with_empty_axes=0
RegexFullMatch 20/1-1/3k/74/pattern
Relu 6/1-1/16p/16p/. 13//qgx/qgx 14//qk5/qk5
Reshape 5/2-2/pa7,1s/pa7/. 13//1ekf,1s/1ekf 14////allowzero=0 19//mh33,1s/mh33 21//2hwcf,1s/2hwcf 23//4zsov,1s/4zsov 24//9zldr,1s/9zldr 25//13ydj3,1s/13ydj3
Resize 10/2-2/pa7,1/pa7/mode=nearest 11/3-4/pa7,16p,1,1s//coordinate_transformation_mode=half_pixel,cubic_coeff_a=-0.75,exclude_outside=0,extrapolation_value=0,mode=nearest,nearest_mode=round_prefer_floor 13/1-4/1ekf,16p,1,1s/1ekf 18////antialias=0,axes,coordinate_transformation_mode=half_pixel,cubic_coeff_a=-0.75,exclude_outside=0,extrapolation_value=0,keep_aspect_ratio_policy=stretch,mode=nearest,nearest_mode=round_prefer_floor 19
ReverseSequence 10/2-2/pa7,1s/pa7/batch_axis=1,time_axis=0
RoiAlign 10/3-3/16p,16p,1s/16p/mode=avg,output_height=1,output_width=1,sampling_ratio=0,spatial_scale=1 16////coordinate_transformation_mode=half_pixel,mode=avg,output_height=1,output_width=1,sampling_ratio=0,spatial_scale=1 22//qgx,qgx,1s/qgx
RotaryEmbedding 23/3-4/poh,poh,poh,1s/poh/interleaved=0,num_heads,rotary_embedding_dim=0
Round 11/1-1/16p/16p/. 22//qgx/qgx
STFT 17/2-4/qgx,2o,qgx,2o/qgx/onesided=1
Scan 8/2-2*/1s,pa7/pa7/body,directions,num_scan_inputs 9/1-1*/pa7//body,num_scan_inputs,scan_input_axes,scan_input_directions,scan_output_axes,scan_output_directions 11 16//1ekf/1ekf 19//mh33/mh33 21//2hwcf/2hwcf 23//4zsov/4zsov 24//9zldr/9zldr 25//13ydj3/13ydj3
Scatter 9/3-3/pa7,2o,pa7/pa7/axis=0 11/-
ScatterElements 11/3-3/pa7,2o,pa7/pa7/axis=0 13//1ekf,2o,1ekf/1ekf 16////axis=0,reduction=none 18
ScatterND 11/3-3/pa7,1s,pa7/pa7/. 13//1ekf,1s,1ekf/1ekf 16////reduction=none 18
Selu 6/1-1/16p/16p/alpha=1.67326319,gamma=1.05070102 22//qgx/qgx
SequenceAt 11/2-2/0,2o/pa7/.
SequenceConstruct 11/1-1*/pa7/0/.
SequenceEmpty 11/0-0//0/dtype
SequenceErase 11/1-2/0,2o/0/.
SequenceInsert 11/2-3/0,pa7,2o/0/.
SequenceLength 11/1-1/0/1s/.
SequenceMap 17/1-2*/0,0/0/body
Shape 1/1-1/pa7/1s/. 13//1ekf 15////end,start=0 19//mh33 21//2hwcf 23//4zsov 24//9zldr 25//13ydj3
Shrink 9/1-1/60v/60v/bias=0,lambd=0.5
Sigmoid 6/1-1/16p/16p/. 13//qgx/qgx
Sign 9/1-1/60v/60v/. 13//vb3/vb3
Sin 7/1-1/16p/16p/. 22//qgx/qgx
Sinh 9/1-1/16p/16p/. 22//qgx/qgx
Size 1/1-1/pa7/1s/. 13//1ekf 19//mh33 21//2hwcf 23//4zsov 24//9zldr 25//13ydj3
Slice 1/1-1/pa7/pa7/axes,ends,starts 10/3-5/pa7,2o,2o,2o,2o//. 11 13//1ekf,2o,2o,2o,2o/1ekf
Softmax 1/1-1/16p/16p/axis=1 11 13//qgx/qgx/axis=-1
SoftmaxCrossEntropyLoss 12/2-3/16p,2o,16p/16p,16p/ignore_index,reduction=mean 13//qgx,2o,qgx/qgx,qgx
Softplus 1/1-1/16p/16p/. 22//qgx/qgx
Softsign 1/1-1/16p/16p/. 22//qgx/qgx
SpaceToDepth 1/1-1/pa7/pa7/blocksize 13//1ekf/1ekf
Split 2/1-1/pa7/pa7/axis=0,split 11 13/1-2/1ekf,1s/1ekf/axis=0 18////axis=0,num_outputs
SplitToSequence 11/1-2/pa7,2o/0/axis=0,keepdims=1 24//1ekf,2o
Sqrt 6/1-1/16p/16p/. 13//qgx/qgx
Squeeze 1/1-1/pa7/pa7/axes 11 13/1-2/1ekf,1s/1ekf/. 21//2hwcf,1s/2hwcf 23//4zsov,1s/4zsov 24//9zldr,1s/9zldr 25//13ydj3,1s/13ydj3
StringConcat 20/2-2/3k,3k/3k/.
StringNormalizer 10/1-1/3k/3k/case_change_action=NONE,is_case_sensitive=0,locale,stopwords
StringSplit 20/1-1/3k/3k,1s/delimiter,maxsplit
Sub 7/2-2/601,601/601/. 13//va9,va9/va9 14//vb3,vb3/vb3
Sum 6/1-1*/16p/16p/. 8 13//qgx/qgx
Swish 24/1-1/qgx/qgx/alpha=1
Tan 7/1-1/16p/16p/. 22//qgx/qgx
Tanh 6/1-1/16p/16p/. 13//qgx/qgx
TensorScatter 24/2-3/9zldr,9zldr,1s/9zldr/axis=-2,mode=linear
TfIdfVectorizer 9/1-1/68/1/max_gram_length,max_skip_count,min_gram_length,mode,ngram_counts,ngram_indexes,pool_int64s,pool_strings,weights
ThresholdedRelu 10/1-1/16p/16p/alpha=1 22//qgx/qgx
Tile 6/2-2/pa7,1s/pa7/. 13//1ekf,1s/1ekf
TopK 1/1-1/16p/16p,1s/axis=-1,k 10/2-2/16p,1s//axis=-1 11//60v,1s/60v,1s/axis=-1,largest=1,sorted=1 24//vb3,1s/vb3,1s
Transpose 1/1-1/pa7/pa7/perm 13//1ekf/1ekf 21//2hwcf/2hwcf 23//4zsov/4zsov 24//9zldr/9zldr 25//13ydj3/13ydj3
Trilu 14/1-2/1ekf,1s/1ekf/upper=1
Unique 11/1-1/pa7/pa7,1s,1s,1s/axis,sorted=1
Unsqueeze 1/1-1/pa7/pa7/axes 11 13/2-2/1ekf,1s/1ekf/. 21//2hwcf,1s/2hwcf 23//4zsov,1s/4zsov 24//9zldr,1s/9zldr 25//13ydj3,1s/13ydj3
Upsample 7/1-1/pa7/pa7/mode=nearest,scales 9/2-2/pa7,1//mode=nearest 10/-
Where 9/3-3/74,pa7,pa7/pa7/. 16//74,1ekf,1ekf/1ekf
Xor 7/2-2/74,74/74/.
`;

export interface Schema {
  since: number;
  removed: boolean;
  minInputs: number;
  maxInputs: number;
  /** Element types allowed for input i (the last one for all later ones); null for anything. */
  input(index: number): ReadonlySet<DType> | null;
  output(index: number): ReadonlySet<DType> | null;
  outputs: number;
  /** Names with their defaults as text; null without one. */
  attributes: ReadonlyMap<string, string | null>;
}

const order = Object.keys(dtypes) as DType[];
const lines: ReadonlyMap<string, string> = new Map(
  text
    .trim()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
);
const parsed: Map<string, readonly Schema[]> = new Map();

/** Versions of an operator of ai.onnx, oldest first; null for one that no operator set has. */
export function historyOf(op: string): readonly Schema[] | null {
  const known = parsed.get(op);
  if (known !== undefined) return known;
  const line = lines.get(op);
  if (line === undefined) return null;
  let before: readonly string[] = [];
  const schemas = line.split(' ').map((part) => {
    const [since = '', ...fields] = part.split('/');
    const merged = [0, 1, 2, 3].map((index) => fields[index] || (before[index] ?? ''));
    if (fields[0] !== '-') before = merged;
    return schemaOf(Number(since), fields[0] === '-', merged);
  });
  parsed.set(op, schemas);
  return schemas;
}

/** The version of an operator that an operator set has; null if it has none. */
export function schemaAt(op: string, opset: number): Schema | null {
  const found = historyOf(op)?.findLast(({ since }) => since <= opset);
  return found === undefined || found.removed ? null : found;
}

/** Whether the schema of an operator is the same in two operator sets. */
export function isSameSchema(op: string, a: number, b: number): boolean {
  const first = schemaAt(op, a);
  return first !== null && first === schemaAt(op, b);
}

function schemaOf(since: number, removed: boolean, fields: readonly string[]): Schema {
  const [count = '', inputs = '', outputs = '', attributes = ''] = fields;
  const [min = '0', max = '0'] = count.split('-');
  const ins = typeSets(inputs);
  const outs = typeSets(outputs);
  const at = (sets: typeof ins, index: number): ReadonlySet<DType> | null =>
    sets[Math.min(index, sets.length - 1)] ?? null;
  return {
    since,
    removed,
    minInputs: Number(min),
    maxInputs: max.endsWith('*') ? Number.POSITIVE_INFINITY : Number(max),
    input: (index) => at(ins, index),
    output: (index) => at(outs, index),
    outputs: outs.length,
    attributes: new Map(
      attributes === '.'
        ? []
        : attributes.split(',').map((item) => {
            const cut = item.indexOf('=');
            return cut < 0 ? [item, null] : [item.slice(0, cut), item.slice(cut + 1)];
          }),
    ),
  };
}

function typeSets(list: string): (ReadonlySet<DType> | null)[] {
  if (list === '') return [];
  return list.split(',').map((code) => {
    const bits = Number.parseInt(code, 36);
    if (bits === 0) return null;
    return new Set(order.filter((_, index) => (bits >>> index) & 1));
  });
}
