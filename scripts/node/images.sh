#!/usr/bin/env bash
# requires: paths
# The images that this machine was sent, as the container runtime has them. They are pinned: the
# kubelet removes unused images from a full disk, and a machine without a registry could not get
# them again. It never removes a pinned one. Only functions.
#
# The CRI plugin tells the kubelet what is pinned, and follows a change of the label immediately:
# https://github.com/containerd/containerd/blob/v2.2.1/internal/cri/store/image/image.go
PINNED_LABEL=io.cri-containerd.pinned
# The reference and origin of each image that was imported (checksum of its file) or pulled.
IMAGES=$STATE/images
CONTENT=/var/lib/containerd/io.containerd.content.v1.content/blobs

ctr_images() {
  ctr --namespace k8s.io images "$@"
}

# indexed_images: print the checksum and reference of every image of the index.
indexed_images() {
  awk -F '\t' '$2 == "image" {print $1 "\t" $4}' "$ARTIFACTS/index" 2>/dev/null
}

# lost_content: print the digests of content that containerd's database has and its disk does not.
lost_content() {
  local digest
  ctr --namespace k8s.io content list --quiet 2>/dev/null | while read -r digest; do
    [[ -f $CONTENT/${digest/://} ]] || echo "$digest"
  done
}

# forget_lost_content: remove it from the database, or an import would not write it again. Unpacked files
# go with the config that refers to them: now, by the deletion of a lease, and not during the import.
forget_lost_content() {
  local lost
  lost=$(lost_content)
  [[ -n $lost ]] || return 0
  xargs ctr --namespace k8s.io content remove <<<"$lost" >/dev/null
  ctr --namespace k8s.io leases delete --sync "$(ctr --namespace k8s.io leases create)" >/dev/null
}

# lost_images REFERENCE...: print which of these images need content that is lost.
lost_images() {
  local lost reference digest
  lost=$(lost_content)
  [[ -n $lost ]] || return 0
  ctr_images list "${@/#/name==}" 2>/dev/null | awk 'NR > 1 {print $1, $3}' |
    while read -r reference digest; do
      ! grep -qxF "$lost" < <(content_below "$digest") || echo "$reference"
    done
}

# content_below DIGEST: print it, and what it names: an index its manifests, a manifest its config and
# layers. Only documents are read, which are small.
content_below() {
  local digests=$1 names
  echo "$digests"
  for _ in index manifest; do
    names=$(sed "s#:#/#; s#^#$CONTENT/#" <<<"$digests" |
      xargs -I FILE find FILE -size -256k -exec grep -aoE 'sha256:[0-9a-f]{64}' {} + 2>/dev/null |
      grep -oE 'sha256:.*' || true)
    echo "$names"
    digests=$names
  done
}

# damaged_images: print the reference and state of every image of the index that is not as it was
# imported: missing, incomplete (some of its content or its unpacked files are gone) or unpinned; and
# the checksum of the file that it has to be imported from. Nothing if the container runtime does not
# answer.
damaged_images() {
  local references=() checked pinned
  mapfile -t references < <(indexed_images | cut -f 2)
  ((${#references[@]})) || return 0
  pinned=$(ctr_images list --quiet "labels.\"$PINNED_LABEL\"==pinned" 2>/dev/null) || return 0
  # It fails if it cannot read an image, and prints the others.
  checked=$(ctr_images check "${references[@]/#/name==}" 2>/dev/null) || true
  awk '
    FILENAME == ARGV[1] {state[$1] = $4 == "complete" && $NF == "true" ? "unpinned" : "incomplete"; next}
    FILENAME == ARGV[2] {if (state[$1] == "unpinned") state[$1] = "intact"; next}
    FILENAME == ARGV[3] {state[$1] = "incomplete"; next}
    !($2 in state) {state[$2] = "missing"}
    state[$2] != "intact" {print $2 "\t" state[$2] "\t" (state[$2] == "unpinned" ? "" : $1)}
  ' <(echo "$checked") <(echo "$pinned") <(lost_images "${references[@]}") <(indexed_images)
}

pin_image() { # REFERENCE
  ctr_images label "$1" "$PINNED_LABEL=pinned" >/dev/null
}

record_image() { # REFERENCE ORIGIN
  printf '%s\t%s\n' "$1" "$2" >>"$IMAGES"
}

# release_images: unpin every recorded image that is not listed on standard input, and forget it.
release_images() {
  local -A kept=()
  local reference origin
  while read -r reference; do
    kept[$reference]=yes
  done
  [[ -f $IMAGES ]] || return 0
  while IFS=$'\t' read -r reference origin; do
    if [[ -v kept[$reference] ]]; then
      printf '%s\t%s\n' "$reference" "$origin"
    else
      # It may be gone already.
      ctr_images label "$reference" "$PINNED_LABEL=" >/dev/null 2>&1 || true
    fi
  done <"$IMAGES" >"$IMAGES.new"
  mv "$IMAGES.new" "$IMAGES"
}

# forget_image_files: remove image archives; the program sends missing ones again.
forget_image_files() {
  local sum
  while read -r sum _; do
    rm -f "${ARTIFACTS:?}/$sum"
  done < <(indexed_images)
}
