#pragma once

#include <cstdint>
#include <utility>

#include "flexmig/base/random.h"

namespace flexmig::sched {

// A node's place in an AugmentedTree; a member of the node.
template <typename Node>
struct TreeLinks {
  Node* parent = nullptr;
  Node* left = nullptr;
  Node* right = nullptr;
  uint64_t heat = 0;  // pseudo-random; a parent's is not below its children's
};

// A sorted set of nodes that somebody else owns, in which every node knows something of the whole
// subtree below it (a minimum, a sum). A treap whose heat is drawn by a fixed generator: its shape,
// and so its cost, is the same in every run.
//
// Traits: `static TreeLinks<Node>& Links(Node&)`; `static bool Less(const Node&, const Node&)`, a
// strict order without equal nodes; `static void Pull(Node& node, const Node* left, const Node*
// right)` computes node's aggregate from its own value and its children's aggregates.
//
// Threading: thread-compatible. Cost: O(log n) expected for every call but the constant ones;
// nothing is allocated.
template <typename Node, typename Traits>
class AugmentedTree {
 public:
  AugmentedTree() = default;
  AugmentedTree(const AugmentedTree&) = delete;
  AugmentedTree& operator=(const AugmentedTree&) = delete;
  AugmentedTree(AugmentedTree&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)),
        first_(std::exchange(other.first_, nullptr)),
        random_(other.random_) {}
  AugmentedTree& operator=(AugmentedTree&&) = delete;
  ~AugmentedTree() = default;

  [[nodiscard]] bool empty() const { return root_ == nullptr; }
  [[nodiscard]] Node* root() const { return root_; }
  // The smallest node, nullptr if there is none. O(1).
  [[nodiscard]] Node* First() const { return first_; }

  [[nodiscard]] static Node* Left(const Node& node) { return Of(node).left; }
  [[nodiscard]] static Node* Right(const Node& node) { return Of(node).right; }
  [[nodiscard]] static Node* Parent(const Node& node) { return Of(node).parent; }

  // The next larger node, nullptr at the end. A walk over all is O(n).
  [[nodiscard]] static Node* Next(const Node& node) {
    if (Node* next = Right(node)) {
      while (Left(*next) != nullptr) next = Left(*next);
      return next;
    }
    const Node* at = &node;
    Node* parent = Parent(node);
    while (parent != nullptr && Right(*parent) == at) {
      at = parent;
      parent = Parent(*parent);
    }
    return parent;
  }

  // REQUIRES: the node is in no tree, and none equal to it in this one.
  void Insert(Node& node) {
    Node* parent = nullptr;
    Node** place = &root_;
    bool smallest = true;
    while (*place != nullptr) {
      parent = *place;
      const bool less = Traits::Less(node, *parent);
      smallest = smallest && less;
      place = less ? &Of(*parent).left : &Of(*parent).right;
    }
    Of(node) = {parent, nullptr, nullptr, random_.Next()};
    *place = &node;
    if (smallest) first_ = &node;
    Pull(node);
    while (Parent(node) != nullptr && Of(*Parent(node)).heat < Of(node).heat) Lift(node);
    PullUp(Parent(node));
  }

  // REQUIRES: the node is in this tree.
  void Erase(Node& node) {
    if (first_ == &node) first_ = Next(node);
    while (true) {
      Node* left = Left(node);
      Node* right = Right(node);
      if (left == nullptr || right == nullptr) {
        Node* child = left != nullptr ? left : right;
        Node* parent = Parent(node);
        Replace(parent, node, child);
        Of(node) = {};
        PullUp(parent);
        return;
      }
      Lift(Of(*left).heat > Of(*right).heat ? *left : *right);
    }
  }

 private:
  static TreeLinks<Node>& Of(Node& node) { return Traits::Links(node); }
  static const TreeLinks<Node>& Of(const Node& node) {
    return Traits::Links(const_cast<Node&>(node));  // Links() is an accessor
  }
  static void Pull(Node& node) { Traits::Pull(node, Left(node), Right(node)); }
  static void PullUp(Node* node) {
    for (; node != nullptr; node = Parent(*node)) Pull(*node);
  }

  void Replace(Node* parent, const Node& child, Node* by) {
    if (parent == nullptr) {
      root_ = by;
    } else if (Left(*parent) == &child) {
      Of(*parent).left = by;
    } else {
      Of(*parent).right = by;
    }
    if (by != nullptr) Of(*by).parent = parent;
  }

  // Rotates the node above its parent.
  void Lift(Node& node) {
    Node& parent = *Parent(node);
    Replace(Parent(parent), parent, &node);
    Node*& inner = Left(parent) == &node ? Of(node).right : Of(node).left;
    Node*& gap = Left(parent) == &node ? Of(parent).left : Of(parent).right;
    gap = inner;
    if (gap != nullptr) Of(*gap).parent = &parent;
    inner = &parent;
    Of(parent).parent = &node;
    Pull(parent);
    Pull(node);
  }

  Node* root_ = nullptr;
  Node* first_ = nullptr;
  SplitMix64 random_{0};
};

}  // namespace flexmig::sched
